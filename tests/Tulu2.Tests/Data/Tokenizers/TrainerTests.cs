using Tulu2.Data.Tokenizers;
using Tulu2.Data.Tokenizers.Bpe;
using Tulu2.Data.Tokenizers.Learning;
using Tulu2.Files;
using Xunit;

namespace Tulu2.Tests.Data.Tokenizers;

public sealed class TrainerTests : IDisposable
{
    private readonly string directory = Directory.CreateTempSubdirectory("tulu2-tokenizer-").FullName;

    public void Dispose() => Directory.Delete(directory, recursive: true);

    [Fact]
    public void The_most_frequent_pair_merges_first_and_ties_go_to_the_text_that_comes_first()
    {
        // " abab" twice: pairs ▁a 2, ab 4, ba 2; then ▁ab and abab tie at 2, and 'a' comes before the boundary.
        var trained = SentencePieceTrainer.Train(["abab abab"], new() { VocabularySize = 259 + 3 + 3 });
        Assert.Equal(["ab", "abab", "▁abab"], Enumerable.Range(259, 3).Select(trained.Tokenizer.PieceOf));
        Assert.Equal([261, 261], trained.Tokenizer.EncodeText("abab abab", boundary: true));
    }

    [Fact]
    public void The_same_texts_in_another_order_give_the_same_bytes()
    {
        var texts = Corpus.Texts(300, seed: 1).ToArray();
        SentencePieceTrainer.Train(texts, new() { VocabularySize = 600 }).Write(Path.Combine(directory, "a"));
        SentencePieceTrainer.Train(texts.Reverse(), new() { VocabularySize = 600 }).Write(Path.Combine(directory, "b"));
        foreach (var file in Directory.GetFiles(Path.Combine(directory, "a")))
            Assert.Equal(File.ReadAllBytes(file), File.ReadAllBytes(Path.Combine(directory, "b", Path.GetFileName(file))));
    }

    [Fact]
    public void The_written_files_of_both_kinds_give_the_ids_of_the_trained_tokenizer()
    {
        var trained = SentencePieceTrainer.Train(Corpus.Texts(400, seed: 2), new() { VocabularySize = 700 });
        trained.Write(directory);
        var (model, json) = (Read("tokenizer.model"), Read("tokenizer.json"));
        Assert.Equal(trained.VocabularySize, json.VocabularySize);
        Assert.Equal(trained.Tokenizer.ContentKey, model.ContentKey);
        Assert.Equal((1, 2, 0, null), (json.BeginningId, json.EndId, json.UnknownId, json.PadId));
        Assert.Equal(4, json.SourceFiles.Count);
        foreach (var text in Corpus.Texts(400, seed: 3))
            foreach (var parsing in Enum.GetValues<SpecialTokenParsing>())
            {
                var expected = trained.Tokenizer.EncodeText(text, boundary: true, parsing);
                Assert.Equal(expected, model.EncodeText(text, boundary: true, parsing));
                // As in the library, Metaspace takes a space at the very start for the boundary, and puts none after a special token.
                if (!text.StartsWith(' ') && (parsing != SpecialTokenParsing.Library || !text.Contains("</s>")))
                    Assert.Equal(expected, json.EncodeText(text, boundary: true, parsing));
                Assert.Equal(
                    trained.Tokenizer.EncodeText(text, boundary: false, SpecialTokenParsing.Literal), json.EncodeText(text, boundary: false, SpecialTokenParsing.Literal));
            }
    }

    [SkippableFact]
    public void Real_dialogues_get_the_same_ids_from_both_written_kinds_and_come_back_whole()
    {
        var lines = File.ReadAllLines(ReferenceData.Require("reference_sft", "sft_rows.jsonl"));
        SentencePieceTrainer.Train(lines, new() { VocabularySize = 1024 }).Write(directory);
        var (model, json) = (Read("tokenizer.model"), Read("tokenizer.json"));
        Assert.Equal(1024, model.VocabularySize);
        var total = 0;
        foreach (var line in lines)
        {
            var ids = model.EncodeText(line, boundary: true);
            Assert.Equal(ids, json.EncodeText(line, boundary: true));
            Assert.Equal(line, model.Decode(ids));
            total += ids.Length;
        }
        Assert.InRange(total, 1, (int)(lines.Sum(line => line.Length) * 0.6));
    }

    [Fact]
    public void Newlines_tabs_and_digits_stay_single_pieces()
    {
        var tokenizer = SentencePieceTrainer.Train(Corpus.Texts(400, seed: 4), new() { VocabularySize = 900 }).Tokenizer;
        Assert.Equal([13, 13, 12], tokenizer.EncodeText("\n\n\t", boundary: false));
        Assert.Equal(3, tokenizer.EncodeText("345", boundary: false).Length);
        for (var id = 259; id < tokenizer.VocabularySize; id++)
        {
            var piece = tokenizer.PieceOf(id);
            Assert.DoesNotContain(piece, character => char.IsControl(character));
            Assert.True(piece.Length == 1 || !piece.Any(char.IsAsciiDigit), piece);
            Assert.True(piece.EnumerateRunes().Count() <= 16, piece);
        }
        Assert.True(tokenizer.CutsIntoChunks);
    }

    [Fact]
    public void Digits_merge_where_they_are_not_split()
    {
        var tokenizer = SentencePieceTrainer.Train(Corpus.Texts(400, seed: 4), new() { VocabularySize = 900, SplitDigits = false }).Tokenizer;
        Assert.Single(tokenizer.EncodeText(" 345", boundary: false));
    }

    [Fact]
    public void A_rare_character_is_left_to_bytes_and_still_comes_back()
    {
        var text = string.Concat(Enumerable.Repeat("common words ", 100)) + "木";
        var tokenizer = SentencePieceTrainer.Train([text], new() { VocabularySize = 300, CharacterCoverage = 0.99 }).Tokenizer;
        Assert.Null(tokenizer.IdOf("木"));
        Assert.Equal("a 木", tokenizer.Decode(tokenizer.EncodeText("a 木", boundary: true)));
    }

    [Fact]
    public void A_text_too_small_for_the_vocabulary_gives_a_smaller_one() =>
        Assert.InRange(SentencePieceTrainer.Train(["tiny text"], new() { VocabularySize = 5000 }).VocabularySize, 260, 300);

    [Fact]
    public void Options_out_of_range_and_empty_texts_are_bad_input()
    {
        Assert.Throws<BadInputException>(() => SentencePieceTrainer.Train(["a"], new() { VocabularySize = 259 }));
        Assert.Throws<BadInputException>(() => SentencePieceTrainer.Train(["a"], new() { CharacterCoverage = 0 }));
        Assert.Throws<BadInputException>(() => SentencePieceTrainer.Train(["a"], new() { LongestPiece = 0 }));
        Assert.Throws<BadInputException>(() => SentencePieceTrainer.Train(["", " \n"], new()));
    }

    private SentencePieceBpeTokenizer Read(string name) => SentencePieceBpeTokenizer.Load(Path.Combine(directory, name));
}
