using Tulu2.Data.Tokenizers.Bpe;
using Tulu2.Data.Tokenizers.Loading;
using Tulu2.Files;

namespace Tulu2.Data.Tokenizers.Learning;

/// <summary>Options of the tokenizer trainer.</summary>
public sealed record SentencePieceTrainerOptions
{
    /// <summary>All pieces: 3 special ones, 256 bytes, the characters, and merges for the rest. A small text gives fewer.</summary>
    public int VocabularySize { get; init; } = 2048;

    /// <summary>
    /// Share of the text's characters that get a piece of their own; the rarest others are written in bytes. Characters take at most a quarter of the
    /// vocabulary (but up to 96 pieces in a small one): in a text of many scripts rare ones would leave no room for words.
    /// </summary>
    public double CharacterCoverage { get; init; } = 0.99995;

    /// <summary>Each digit is a piece by itself, as in Llama.</summary>
    public bool SplitDigits { get; init; } = true;

    /// <summary>Longest piece, in characters.</summary>
    public int LongestPiece { get; init; } = 16;
}

/// <summary>
/// Learns a SentencePiece-compatible byte-pair vocabulary (Sennrich et al. 2016, as SentencePiece's BPE trainer does it). The result depends on the
/// texts and options alone; among equally frequent pairs the one whose text comes first by code unit wins. Control characters, the newline among
/// them, never merge and stay byte pieces, as in Llama.
/// </summary>
public static class SentencePieceTrainer
{
    /// <summary>The 3 special and 256 byte pieces that every vocabulary has.</summary>
    public const int FixedPieces = 3 + 256;

    private const int MostCharactersOfSmallVocabulary = 96;

    /// <exception cref="BadInputException">An option is out of its range, or the texts hold nothing to learn from.</exception>
    public static TrainedTokenizer Train(IEnumerable<string> texts, SentencePieceTrainerOptions options)
    {
        Check(options);
        var words = new WordCounter(options.SplitDigits);
        foreach (var text in texts) words.Add(text);
        if (words.Counts.Keys.All(word => word.AsSpan().IndexOfAnyExcept(Normalization.Mark) < 0))
            throw new BadInputException("training text", "holds nothing but white space", "give texts with words in them");

        var alphabet = Alphabet(words.Counts, options);
        var learner = new PairLearner(words.Counts, alphabet, options.LongestPiece);
        var merged = learner.Learn(options.VocabularySize - FixedPieces - alphabet.Count);
        return new TrainedTokenizer(Pieces(merged, alphabet), options);
    }

    private static void Check(SentencePieceTrainerOptions options)
    {
        if (options.VocabularySize <= FixedPieces)
            throw new BadInputException("vocabulary size", $"{options.VocabularySize} leaves no room beside the fixed {FixedPieces}", "give at least 300");
        if (options.CharacterCoverage is not (> 0 and <= 1))
            throw new BadInputException("character coverage", $"{options.CharacterCoverage} is not a share", "give a number above 0 and at most 1");
        if (options.LongestPiece < 1) throw new BadInputException("longest piece", $"{options.LongestPiece} is not a length", "give at least 1");
    }

    /// <summary>The characters with pieces of their own, the most frequent first; the boundary always has one.</summary>
    private static List<string> Alphabet(IReadOnlyDictionary<string, long> words, SentencePieceTrainerOptions options)
    {
        var counts = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var (word, count) in words)
            foreach (var rune in word.EnumerateRunes())
            {
                var character = rune.ToString();
                counts[character] = counts.GetValueOrDefault(character) + count;
            }
        var mark = Normalization.Mark.ToString();
        counts.TryAdd(mark, 1);
        var total = counts.Values.Sum();
        var room = options.VocabularySize - FixedPieces;
        var most = Math.Max(room / 4, Math.Min(room, MostCharactersOfSmallVocabulary));
        var alphabet = new List<string> { mark };
        var covered = counts[mark];
        var byFrequency = counts.Where(pair => pair.Key != mark).OrderByDescending(pair => pair.Value).ThenBy(pair => pair.Key, StringComparer.Ordinal);
        foreach (var (character, count) in byFrequency)
        {
            if (covered >= total * options.CharacterCoverage || alphabet.Count >= most) break;
            alphabet.Add(character);
            covered += count;
        }
        return alphabet;
    }

    // The order of Llama's file: special, bytes, merges by rank, characters; scores go down by one from the first merge on.
    private static List<ScoredPiece> Pieces(IReadOnlyList<string> merged, IReadOnlyList<string> alphabet)
    {
        var pieces = new List<ScoredPiece>
        {
            new("<unk>", 0, SentencePieceType.Unknown), new("<s>", 0, SentencePieceType.Control), new("</s>", 0, SentencePieceType.Control),
        };
        for (var value = 0; value < 256; value++) pieces.Add(new($"<0x{value:X2}>", 0, SentencePieceType.Byte));
        var score = 0;
        foreach (var text in merged.Concat(alphabet)) pieces.Add(new(text, score--, SentencePieceType.Normal));
        return pieces;
    }
}
