using Tulu2.Evaluation.Generation;
using Tulu2.Evaluation.Requests;
using Tulu2.Files;
using Xunit;

namespace Tulu2.Tests.Evaluation.Generation;

public class BatchGeneratorTests
{
    private static IReadOnlyList<GenerationResult> Run(IDecoder decoder, int maxBatch, params GenerationRequest[] requests) =>
        new BatchGenerator(decoder, new HashSet<int> { 0 }, () => new FakeText(), maxBatch).Run(requests, CancellationToken.None);

    [Fact]
    public void A_text_ends_at_the_end_token()
    {
        var result = Run(FakeDecoder.Saying("the end", 3), 1, new GenerationRequest([1, 2, 3], GenerationOptions.Greedy)).Single();
        Assert.Equal(("the end", FinishReason.Stop, 3, 7), (result.Text, result.Finish, result.PromptTokens, result.Ids.Count));
    }

    [Fact]
    public void A_prompt_with_an_id_that_the_model_lacks_is_refused() =>
        Assert.Contains("the id 28", Assert.Throws<BadInputException>(() => Run(FakeDecoder.Saying("a", 1), 1, new GenerationRequest([1, 28], GenerationOptions.Greedy))).What);

    [Fact]
    public void Ids_beyond_the_tokenizers_are_never_chosen()
    {
        // The likeliest id is one that the tokenizer lacks; 0 ends.
        var decoder = new FakeDecoder((history, id) => id == 27 ? 9 : id == (history.Count < 4 ? 5 : 0) ? 1 : 0) { UsedVocabulary = 20 };
        foreach (var options in (GenerationOptions[])[GenerationOptions.Greedy, new() { Temperature = 50, Seed = 3, MaxTokens = 40 }])
            Assert.All(Run(decoder, 1, new GenerationRequest([1], options)).Single().Ids, id => Assert.InRange(id, 1, 19));
    }

    [Fact]
    public void A_text_ends_at_max_tokens_with_what_was_held_back()
    {
        var options = GenerationOptions.Greedy with { MaxTokens = 4, Stop = ["end"] };
        var result = Run(FakeDecoder.Saying("the end", 1), 1, new GenerationRequest([1], options)).Single();
        Assert.Equal(("the ", FinishReason.Length), (result.Text, result.Finish));
        Assert.Equal("the e", Run(FakeDecoder.Saying("the end", 1), 1, new GenerationRequest([1], options with { MaxTokens = 5 })).Single().Text);
    }

    [Fact]
    public void A_stop_string_is_neither_returned_nor_streamed()
    {
        var pieces = new List<string>();
        var options = GenerationOptions.Greedy with { Stop = ["en"] };
        var result = Run(FakeDecoder.Saying("the red end", 1), 1, new GenerationRequest([1], options, pieces.Add)).Single();
        Assert.Equal(("the red ", FinishReason.Stop), (result.Text, result.Finish));
        Assert.Equal(result.Text, string.Concat(pieces));
    }

    [Fact]
    public void Logits_that_are_not_finite_name_the_prompt_s_place()
    {
        var decoder = new FakeDecoder((history, id) => history is [2, ..] && history.Count == 4 && id == 5 ? float.NaN : id);
        GenerationRequest Request(int first) => new([first, 1], GenerationOptions.Greedy with { MaxTokens = 9 }) { Location = $"rows.jsonl:{first}" };
        var broken = Assert.Throws<NonFiniteException>(() => Run(decoder, 8, Request(1), Request(2), Request(3)));
        Assert.Equal(("rows.jsonl:2", "after 4 tokens the next one's logits are not finite"), (broken.Where, broken.What));
    }

    [Fact]
    public void A_text_ends_with_the_context()
    {
        var result = Run(new FakeDecoder((_, id) => id, context: 10), 1, new GenerationRequest([1, 2, 3], GenerationOptions.Greedy)).Single();
        Assert.Equal((7, FinishReason.Length), (result.Ids.Count, result.Finish));
    }

    [Fact]
    public void A_prompt_that_fills_the_context_is_a_clear_error()
    {
        var error = Assert.Throws<BadInputException>(() => Run(new FakeDecoder((_, id) => id, context: 3), 1, new GenerationRequest([1, 2, 3], GenerationOptions.Greedy)));
        Assert.Contains("3 tokens, but the model's context holds 3 (max_position_embeddings)", error.Message);
    }

    [Theory]
    [InlineData("temperature")]
    [InlineData("top_p")]
    [InlineData("max_tokens")]
    [InlineData("stop")]
    public void A_value_outside_its_range_is_named(string option)
    {
        GenerationOptions[] bad =
        [
            new() { Temperature = option == "temperature" ? double.NaN : 1, TopP = option == "top_p" ? 0 : 1, MaxTokens = option == "max_tokens" ? 0 : 1, Stop = option == "stop" ? [""] : [] },
        ];
        Assert.Equal(option, Assert.Throws<BadInputException>(() => Run(new FakeDecoder((_, id) => id), 1, new GenerationRequest([1], bad[0]))).Where);
    }

    [Fact]
    public void A_request_gives_the_same_text_whatever_is_in_its_batch()
    {
        // Logits depend on the whole history of the row, by a hash of it.
        var decoder = new FakeDecoder((history, id) => 3f * (float)SeededUniform.At(history.Aggregate(17, HashCode), id));
        GenerationRequest[] requests =
        [
            .. Enumerable.Range(0, 20).Select(i => new GenerationRequest(
                [.. Enumerable.Range(1, 1 + i * 7 % 11)], new GenerationOptions { Seed = i, Temperature = 0.5 + i % 3 * 0.5, TopP = i % 2 == 0 ? 1 : 0.8 })),
        ];
        var alone = requests.Select(r => Run(decoder, 1, r).Single()).ToList();
        foreach (var size in new[] { 2, 3, 7, 32 })
        {
            var together = Run(decoder, size, requests);
            var reversed = Run(decoder, size, [.. requests.Reverse()]).Reverse().ToList();
            for (var i = 0; i < requests.Length; i++)
            {
                Assert.Equal(alone[i].Ids, together[i].Ids);
                Assert.Equal(alone[i].Text, reversed[i].Text);
            }
        }
        Assert.True(alone.Select(r => r.Text).Distinct().Count() > 15);

        static int HashCode(int hash, int id) => unchecked(hash * 31 + id);
    }

    [Fact]
    public void Finished_rows_leave_their_batch()
    {
        var decoder = new FakeDecoder((history, id) => id == (history.Count >= history[0] ? 0 : 5) ? 1 : 0);
        Run(decoder, 8, new GenerationRequest([3], GenerationOptions.Greedy), new GenerationRequest([6], GenerationOptions.Greedy), new GenerationRequest([4], GenerationOptions.Greedy));
        Assert.Equal([3, 3, 3, 2, 1, 1], decoder.BatchSizes);
    }

    [Fact]
    public void Without_a_seed_two_draws_differ()
    {
        var decoder = new FakeDecoder((_, _) => 0, context: 60);
        var requests = Enumerable.Range(0, 2).Select(_ => new GenerationRequest([1], new GenerationOptions { MaxTokens = 50 })).ToArray();
        var results = Run(decoder, 2, requests);
        Assert.NotEqual(results[0].Ids, results[1].Ids);
    }

    [Fact]
    public void A_batch_can_be_cancelled()
    {
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Assert.Throws<OperationCanceledException>(() => new BatchGenerator(new FakeDecoder((_, id) => id), new HashSet<int>(), () => new FakeText(), 4)
            .Run([new GenerationRequest([1], GenerationOptions.Greedy)], cancelled.Token));
    }
}
