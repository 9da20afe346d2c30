using System.Text.Json;
using Xunit;

namespace Tulu2.Tests.Serving;

/// <summary>
/// The requests of lm-evaluation-harness' <c>local-completions</c>, and its reading of the answers (<c>LocalCompletionsAPI.parse_logprobs</c> in
/// lm_eval/models/openai_completions.py): scores from the context's length to the one before last, and greedy where each is the highest of its alternatives.
/// </summary>
public sealed class HarnessTests : IAsyncLifetime
{
    private static readonly string[] Stops = ["\n\n", "Question:", "</s>"];

    private ServedFake _served = null!;

    public async Task InitializeAsync() => _served = await ServedFake.StartAsync();

    public async Task DisposeAsync() => await _served.DisposeAsync();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Prompts_are_scored_as_the_harness_reads_them(bool endsAfterwards)
    {
        int[] context = [.. ServedFake.Tokenizer.EncodeText("The cat sat on the", boundary: true)];
        int[] likely = [.. context], unlikely = [.. context, .. ServedFake.Tokenizer.EncodeText(" mat and slept", boundary: false)];
        for (var more = 0; more < 3; more++) likely = [.. likely, _served.Engine.Score(likely, 0, 1).Top[0].Id];
        // The token that the harness leaves out must be there, even where the model ends its answer with it.
        if (endsAfterwards) _served.Engine.EndAfter = likely[^1];
        var answer = await _served.AskAsync("/v1/completions",
            new { model = ServedFake.Model, prompt = new[] { likely, unlikely }, temperature = 0, max_tokens = 1, logprobs = 1, seed = 1234, echo = true });
        var choices = answer.GetProperty("choices").EnumerateArray().OrderBy(choice => choice.GetProperty("index").GetInt32()).ToList();
        Assert.Equal(endsAfterwards ? "stop" : "length", choices[0].GetProperty("finish_reason").GetString());
        foreach (var (choice, ids, greedy) in (IEnumerable<(JsonElement, int[], bool)>)[(choices[0], likely, true), (choices[1], unlikely, false)])
        {
            var (sum, isGreedy) = Read(choice.GetProperty("logprobs"), context.Length);
            var scores = Enumerable.Range(context.Length, ids.Length - context.Length).Select(at => _served.Engine.Score(ids[..at], ids[at], 1));
            Assert.Equal(scores.Sum(score => (double)score.LogProbability), sum, 6);
            Assert.Equal(greedy, isGreedy);
            Assert.Equal(ids.Length + 1, choice.GetProperty("logprobs").GetProperty("tokens").GetArrayLength());
            Assert.Equal(JsonValueKind.Null, choice.GetProperty("logprobs").GetProperty("token_logprobs")[0].ValueKind);
        }
    }

    [Fact]
    public async Task Generation_is_asked_for_with_lists_of_ids_and_stop_strings()
    {
        int[] context = [.. ServedFake.Tokenizer.EncodeText("Question: 2 + 2?\nAnswer:", boundary: true)];
        var answer = await _served.AskAsync("/v1/completions",
            new { prompt = new[] { context }, model = ServedFake.Model, max_tokens = 24, temperature = 0, stop = Stops, seed = 1234 });
        Assert.NotEmpty(answer.GetProperty("choices")[0].GetProperty("text").GetString()!);
    }

    private static (double Sum, bool IsGreedy) Read(JsonElement logprobs, int context)
    {
        var scores = logprobs.GetProperty("token_logprobs").EnumerateArray().Skip(context).SkipLast(1).Select(score => score.GetDouble()).ToList();
        var highest = logprobs.GetProperty("top_logprobs").EnumerateArray().Skip(context).SkipLast(1)
            .Select(top => top.EnumerateObject().Max(other => other.Value.GetDouble()));
        return (scores.Sum(), scores.SequenceEqual(highest));
    }
}
