using Tulu2.Data.Tokenizers.Loading;
using Tulu2.Files;

namespace Tulu2.Data.Tokenizers.Learning;

/// <summary>A learned vocabulary, usable at once or written for other tools.</summary>
public sealed class TrainedTokenizer
{
    private readonly IReadOnlyList<ScoredPiece> pieces;
    private readonly SentencePieceTrainerOptions options;
    private readonly Lazy<SentencePieceBpeTokenizer> tokenizer;

    internal TrainedTokenizer(IReadOnlyList<ScoredPiece> pieces, SentencePieceTrainerOptions options)
    {
        this.pieces = pieces;
        this.options = options;
        tokenizer = new(() =>
        {
            var proto = SentencePieceProto.Parse(SentencePieceModelWriter.Write(pieces, options));
            return new SentencePieceBpeTokenizer(SentencePieceModelFile.Build(proto, new VocabularyBuilder("trained tokenizer"), SpecialTokenFiles.None));
        });
    }

    /// <summary>Number of pieces; fewer than asked for if the text was too small.</summary>
    public int VocabularySize => pieces.Count;

    /// <summary>The tokenizer in memory. It has no source files: where they matter, write it and load the directory.</summary>
    public SentencePieceBpeTokenizer Tokenizer => tokenizer.Value;

    /// <summary>
    /// Writes <c>tokenizer.model</c>, <c>tokenizer.json</c>, <c>tokenizer_config.json</c> and <c>special_tokens_map.json</c>, for SentencePiece and
    /// <c>transformers</c>. The directory is created if needed; each file is whole or absent.
    /// </summary>
    public void Write(string directory)
    {
        AtomicFile.WriteAllBytes(Path.Combine(directory, TokenizerLoader.ModelName), SentencePieceModelWriter.Write(pieces, options));
        AtomicFile.WriteAllBytes(Path.Combine(directory, TokenizerLoader.JsonName), HuggingFaceTokenizerWriter.Tokenizer(pieces));
        AtomicFile.WriteAllBytes(Path.Combine(directory, SpecialTokenFiles.ConfigName), HuggingFaceTokenizerWriter.Configuration(pieces));
        AtomicFile.WriteAllBytes(Path.Combine(directory, SpecialTokenFiles.MapName), HuggingFaceTokenizerWriter.SpecialTokens(pieces));
    }
}
