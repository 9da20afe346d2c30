using Tulu2.Data.Tokenizers;
using Tulu2.Data.Tokenizers.Bpe;
using Tulu2.Data.Tokenizers.Learning;
using Xunit;

namespace Tulu2.Tests.Data.Tokenizers;

public sealed class ChunkTests
{
    [Fact]
    public void Cutting_before_boundaries_changes_no_id_of_a_trained_tokenizer()
    {
        var tokenizer = SentencePieceTrainer.Train(Corpus.Texts(200, seed: 6), new() { VocabularySize = 500 }).Tokenizer;
        Assert.True(tokenizer.CutsIntoChunks);
        foreach (var text in Corpus.Texts(200, seed: 9)) AssertSameAsWhole(tokenizer, text);
    }

    [SkippableFact]
    public void Cutting_before_boundaries_changes_no_id_of_the_llama_tokenizer()
    {
        var tokenizer = Tokenizers.Llama("tokenizer.model");
        foreach (var line in File.ReadLines(ReferenceData.Require("reference_sft", "sft_rows.jsonl"))) AssertSameAsWhole(tokenizer, line);
        foreach (var text in Corpus.Texts(200, seed: 10)) AssertSameAsWhole(tokenizer, text);
    }

    [SkippableFact]
    public void Threads_that_share_a_tokenizer_get_the_same_ids()
    {
        var tokenizer = SentencePieceBpeTokenizer.Load(ReferenceData.Require("llama2_tokenizer", "tokenizer.model"));
        var texts = Corpus.Texts(200, seed: 11).ToArray();
        var both = new int[2][][];
        var two = new ParallelOptions { MaxDegreeOfParallelism = 2 };
        Parallel.For(0, 2, two, thread => both[thread] = [.. texts.Select(text => tokenizer.EncodeText(text, boundary: true))]);
        Assert.Equal(both[0], both[1]);
    }

    private static void AssertSameAsWhole(SentencePieceBpeTokenizer tokenizer, string text)
    {
        var whole = new List<int>();
        new PairMerger(tokenizer.Model).Encode(tokenizer.Model.Normalization.Apply(text, boundary: true), whole);
        // Twice: the second time from the cache of chunks.
        for (var round = 0; round < 2; round++) Assert.Equal(whole, tokenizer.EncodeText(text, boundary: true));
    }
}
