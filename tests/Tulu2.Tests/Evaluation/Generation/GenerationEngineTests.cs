using FsCheck.Xunit;
using Tulu2.Evaluation.Generation;
using Tulu2.Evaluation.Requests;
using Tulu2.Files;
using Xunit;

namespace Tulu2.Tests.Evaluation.Generation;

/// <summary>One request after another, and many at once, with a model of letters.</summary>
public class GenerationEngineTests
{
    private static readonly EngineSettings Wide = new();

    private static GenerationEngine Engine(FakeEngineModel model, EngineSettings? settings = null) =>
        new(model, new HashSet<int> { 0 }, () => new FakeText(), settings ?? Wide);

    private static async Task<EngineSample> RunAsync(FakeEngineModel model, int[] prompt, GenerationOptions options)
    {
        using var engine = Engine(model);
        return (await engine.SubmitAsync(new EngineRequest(prompt, options))).Samples.Single();
    }

    [Fact]
    public async Task An_answer_ends_with_the_end_token_which_is_no_part_of_it()
    {
        var result = await RunAsync(FakeEngineModel.Saying("the end", 3), [1, 2, 3], GenerationOptions.Greedy);
        Assert.Equal(("the end", FinishReason.Stop), (result.Text, result.Finish));
        Assert.Equal(7, result.Ids.Count);
    }

    [Fact]
    public void An_id_that_the_model_lacks_is_named() =>
        Assert.Contains("the id 28", Assert.Throws<BadInputException>(() =>
            { _ = Engine(FakeEngineModel.Saying("a", 1)).SubmitAsync(new([1, 28], GenerationOptions.Greedy)); }).Message);

    [Fact]
    public async Task Ids_beyond_the_tokenizer_s_are_never_generated()
    {
        foreach (var options in (GenerationOptions[])[GenerationOptions.Greedy, new() { Temperature = 50, Seed = 3 }])
        {
            var result = await RunAsync(new FakeEngineModel((_, id) => id) { UsedVocabulary = 20 }, [1], options);
            Assert.All(result.Ids, id => Assert.InRange(id, 1, 19));
        }
    }

    [Fact]
    public async Task A_limit_or_a_stop_string_ends_an_answer()
    {
        var limited = await RunAsync(FakeEngineModel.Saying("the end", 1), [1], GenerationOptions.Greedy with { MaxTokens = 4, Stop = ["end"] });
        Assert.Equal(("the ", FinishReason.Length), (limited.Text, limited.Finish));
        var stopped = await RunAsync(FakeEngineModel.Saying("the red end", 1), [1], GenerationOptions.Greedy with { Stop = ["en"] });
        Assert.Equal(("the red ", FinishReason.Stop), (stopped.Text, stopped.Finish));
    }

    [Fact]
    public async Task Tokens_are_told_as_they_come_and_the_end_once()
    {
        using var engine = Engine(FakeEngineModel.Saying("the red end", 1));
        var told = new List<EngineToken>();
        var result = (await engine.SubmitAsync(new([1], GenerationOptions.Greedy with { Stop = ["en"] }) { OnToken = told.Add, Top = 1 })).Samples[0];
        Assert.Equal(result.Text, string.Concat(told.Select(token => token.Text)));
        Assert.Equal(result.Ids, told.Where(token => token.Id is not null).Select(token => token.Id!.Value));
        Assert.Equal(FinishReason.Stop, told[^1].Finish);
        Assert.All(told.SkipLast(1), token => Assert.True(token.Finish is null && token.Score!.Id == token.Id));
        Assert.Equal(result.Scores, told.SkipLast(1).Select(token => token.Score!));
    }

    [Fact]
    public async Task A_prompt_that_fills_the_context_is_refused_and_an_answer_ends_with_it()
    {
        var result = await RunAsync(new FakeEngineModel((_, id) => id, context: 10), [1, 2, 3], GenerationOptions.Greedy);
        Assert.Equal((7, FinishReason.Length), (result.Ids.Count, result.Finish));
        var error = Assert.Throws<BadInputException>(() =>
        {
            _ = Engine(new FakeEngineModel((_, id) => id, context: 3)).SubmitAsync(new([1, 2, 3],
            GenerationOptions.Greedy)
            { Location = "rows.jsonl:3" });
        });
        Assert.Equal("rows.jsonl:3", error.Where);
        Assert.Throws<BadInputException>(() => { _ = Engine(new FakeEngineModel((_, id) => id)).SubmitAsync(new([], GenerationOptions.Greedy)); });
    }

    [Theory]
    [InlineData("temperature")]
    [InlineData("top_p")]
    [InlineData("top_k")]
    [InlineData("repetition_penalty")]
    [InlineData("n")]
    [InlineData("max_tokens")]
    [InlineData("stop")]
    public void A_value_outside_its_range_is_named(string option)
    {
        var bad = new GenerationOptions
        {
            Temperature = option == "temperature" ? double.NaN : 1,
            TopP = option == "top_p" ? 0 : 1,
            TopK = option == "top_k" ? -1 : 0,
            RepetitionPenalty = option == "repetition_penalty" ? 0 : 1,
            Count = option == "n" ? 0 : 1,
            MaxTokens = option == "max_tokens" ? 0 : 1,
            Stop = option == "stop" ? [""] : [],
        };
        using var engine = Engine(new FakeEngineModel((_, id) => id));
        Assert.Equal(option, Assert.Throws<BadInputException>(() => { _ = engine.SubmitAsync(new([1], bad)); }).Where);
    }

    [Property(MaxTest = 30)]
    public bool A_result_does_not_depend_on_rows_chunks_cache_or_neighbours(int seed)
    {
        var random = new Random(seed);
        var common = Enumerable.Range(0, 12).Select(_ => random.Next(1, 28)).ToArray();
        EngineRequest[] requests =
        [
            .. Enumerable.Range(0, 12).Select(i => new EngineRequest(
                [.. common.Take(random.Next(13)), .. Enumerable.Range(0, random.Next(1, 20)).Select(_ => random.Next(1, 28))], new GenerationOptions
                {
                    Seed = random.Next(),
                    Temperature = 0.5 * random.Next(4),
                    TopP = random.Next(2) == 0 ? 1 : 0.8,
                    TopK = random.Next(2) * 5,
                    RepetitionPenalty = random.Next(2) == 0 ? 1 : 1.3,
                    MaxTokens = random.Next(1, 30),
                    Count = random.Next(1, 4),
                }) { Top = 2, PromptLogProbabilities = random.Next(3) == 0 }),
        ];
        var alone = requests.Select(request =>
        {
            using var engine = Engine(new FakeEngineModel(FakeEngineModel.Hashed), new EngineSettings { ReusePrefixes = false });
            return engine.SubmitAsync(request).GetAwaiter().GetResult();
        }).ToArray();
        // Few pages, so that sequences have to give theirs back.
        using var together = Engine(new FakeEngineModel(FakeEngineModel.Hashed, pages: 16 + random.Next(40)), new EngineSettings
        {
            MaxRunning = random.Next(1, 9),
            PrefillChunk = random.Next(1, 30),
            ReusePrefixes = random.Next(4) > 0,
        });
        var results = Task.WhenAll(requests.Select(request => together.SubmitAsync(request))).GetAwaiter().GetResult();
        return alone.Zip(results).All(pair => Text(pair.First) == Text(pair.Second)) && together.Metrics is { Running: 0, Waiting: 0, CacheInUse: 0 };

        static string Text(EngineResult result) =>
            $"{Joined(result.PromptScores)} | {string.Join(" / ", result.Samples.Select(sample => $"{sample.Text} {sample.Finish} {string.Join(",", sample.Ids)} {Joined(sample.Scores)}"))}";

        static string Joined(IEnumerable<TokenScore?> scores) => string.Join(" ", scores.Select(score => score is null ? "null"
            : $"{score.Id}:{score.LogProbability:R}({string.Join(",", score.Top.Select(top => $"{top.Id}:{top.LogProbability:R}"))})"));
    }

    [Fact]
    public async Task Samples_have_seeds_of_their_own_the_first_one_that_of_the_request()
    {
        using var engine = Engine(new FakeEngineModel(FakeEngineModel.Hashed));
        var options = new GenerationOptions { Seed = 40, Temperature = 2, MaxTokens = 12 };
        var several = (await engine.SubmitAsync(new([1, 2, 3], options with { Count = 5 }))).Samples;
        Assert.Equal(5, several.Select(sample => string.Join(",", sample.Ids)).Distinct().Count());
        for (var sample = 0; sample < 5; sample++)
            Assert.Equal((await engine.SubmitAsync(new([1, 2, 3], options with { Seed = 40 + sample }))).Samples[0].Ids, several[sample].Ids);
    }

    [Fact]
    public async Task Without_a_seed_two_draws_differ()
    {
        using var engine = Engine(new FakeEngineModel((_, _) => 0, context: 60));
        var results = await Task.WhenAll(Enumerable.Range(0, 2).Select(_ => engine.SubmitAsync(new([1], new GenerationOptions { MaxTokens = 50 }))));
        Assert.NotEqual(results[0].Samples[0].Ids, results[1].Samples[0].Ids);
    }

    [Fact]
    public async Task A_repetition_penalty_divides_positive_logits_and_multiplies_negative_ones()
    {
        // 5 stands in the prompt: 2 / 1.5 is below 1.4. Then 6 was said, 1.4 / 1.5 is below 1.34 of 5 (2 / 1.5 = 1.33..): 5 again.
        var result = await RunAsync(
            new FakeEngineModel((_, id) => id switch { 5 => 2, 6 => 1.4f, _ => 0 }), [5],
                GenerationOptions.Greedy with { RepetitionPenalty = 1.5, MaxTokens = 3 });
        Assert.Equal([6, 5, 5], result.Ids);
        // Negative ones become less likely: -1 x 2 is below -1.5.
        result = await RunAsync(
            new FakeEngineModel((_, id) => id switch { 5 => -1, 6 => -1.5f, _ => -9 }), [5],
                GenerationOptions.Greedy with { RepetitionPenalty = 2, MaxTokens = 1 });
        Assert.Equal([6], result.Ids);
    }

    [Fact]
    public async Task Log_probabilities_are_those_of_the_model_s_own_distribution()
    {
        var logits = Enumerable.Range(0, 28).Select(id => id * 0.25).ToArray();
        var sum = Math.Log(logits.Sum(Math.Exp));
        using var engine = Engine(new FakeEngineModel((_, id) => id * 0.25f));
        var result = await engine.SubmitAsync(new([3, 4, 5], new GenerationOptions
        {
            Temperature = 0.3,
            Seed = 1,
            TopK = 3,
            RepetitionPenalty = 1.7,
            MaxTokens = 4
        })
        { Top = 2, PromptLogProbabilities = true });
        Assert.Null(result.PromptScores[0]);
        Assert.Equal([4, 5], result.PromptScores.Skip(1).Select(score => score!.Id));
        Assert.All(result.PromptScores.Skip(1).Concat(result.Samples[0].Scores), score =>
        {
            Assert.Equal(logits[score!.Id] - sum, score.LogProbability, 1e-5);
            Assert.Equal([27, 26], score.Top.Select(top => top.Id));
            Assert.Equal(logits[26] - sum, score.Top[1].LogProbability, 1e-5);
        });
        // Only the prompt.
        var scored = await engine.SubmitAsync(new([3, 4, 5], GenerationOptions.Greedy with { MaxTokens = 0 }) { PromptLogProbabilities = true });
        Assert.Empty(scored.Samples);
        Assert.Equal(result.PromptScores.Select(score => score?.LogProbability), scored.PromptScores.Select(score => score?.LogProbability));
        Assert.Equal([null], (await engine.SubmitAsync(new([3], GenerationOptions.Greedy with { MaxTokens = 0 }) { PromptLogProbabilities = true })).PromptScores);
    }

    [Fact]
    public async Task Continuations_and_next_tokens_are_scored_after_their_prompt()
    {
        using var engine = Engine(new FakeEngineModel(FakeEngineModel.Hashed));
        int[] prompt = [.. Enumerable.Range(1, 9)];
        var scores = await engine.ScoreAsync(prompt, [[3], [4, 5, 6]]);
        var whole = await engine.SubmitAsync(new([.. prompt, 4, 5, 6], GenerationOptions.Greedy with { MaxTokens = 1 }) { PromptLogProbabilities = true });
        Assert.Equal(whole.PromptScores.Skip(9).Select(score => score!.LogProbability), scores[1].Tokens);
        Assert.Equal(scores[1].Tokens.Sum(token => (double)token), scores[1].Sum);
        Assert.Equal([scores[0].Tokens[0], scores[1].Tokens[0]], await engine.NextTokenAsync(prompt, [3, 4]));
        var likeliest = (await engine.SubmitAsync(new(prompt, GenerationOptions.Greedy with { MaxTokens = 1 }))).Samples[0].Ids;
        Assert.True((await engine.ScoreAsync(prompt, [[.. likeliest]]))[0].IsGreedy);
        Assert.Equal(likeliest[0] == 4 || likeliest[0] == 3, scores.Any(score => score.Tokens.Count == 1 && score.IsGreedy));
    }

    [Fact]
    public async Task Broken_weights_fail_the_request_and_name_its_place()
    {
        using var engine = Engine(new FakeEngineModel((history, id) => history.Count == 3 ? float.NaN : id));
        var good = engine.SubmitAsync(new([1, 2, 3, 4], GenerationOptions.Greedy with { MaxTokens = 3 }));
        var error = await Assert.ThrowsAsync<NonFiniteException>(() => engine.SubmitAsync(new([1, 2], GenerationOptions.Greedy) { Location = "rows.jsonl:7" }));
        Assert.Contains("rows.jsonl:7", error.Message);
        Assert.Equal(3, (await good).Samples[0].Ids.Count);
    }
}
