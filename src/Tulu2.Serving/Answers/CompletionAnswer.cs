using System.Text.Json.Serialization;
using Tulu2.Evaluation.Generation;
using Tulu2.Serving.Requests;
using Tulu2.Serving.Served;

namespace Tulu2.Serving.Answers;

/// <summary>The answer to a request for completions, or a chunk of it.</summary>
internal sealed record CompletionAnswer(string Id, string Object, long Created, string Model, IReadOnlyList<CompletionAnswer.Choice> Choices)
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Usage? Usage { get; init; }

    /// <param name="Index">Number of the prompt times <c>n</c>, plus the number of the sample.</param>
    internal sealed record Choice(int Index, string Text, CompletionLogProbs? Logprobs, string? FinishReason);

    public static CompletionAnswer Chunk(AnswerId id, params IReadOnlyList<Choice> choices) => new(id.Id, "text_completion", id.Created, id.Model, choices);

    /// <param name="results">[prompts].</param>
    public static CompletionAnswer Of(AnswerId id, CompletionRequest request, IReadOnlyList<EngineResult> results, ServedModel model)
    {
        var choices = results.SelectMany((result, prompt) =>
            Best(result.Samples, request).Select((sample, number) => Of(request, prompt, number, result, sample, model)));
        return Chunk(id, [.. choices.OrderBy(choice => choice.Index)]) with { Usage = Usage.Of(results) };
    }

    /// <summary>The part of a choice that <c>echo</c> puts before the answer.</summary>
    public static Choice Echo(CompletionRequest request, int prompt, int number, IReadOnlyList<TokenScore?> scores, ServedModel model)
    {
        var (ids, text) = request.Prompts[prompt];
        var logprobs = request.ScoresPrompt ? new CompletionLogProbs.Builder(model).AddPrompt(ids, scores).Build() : null;
        return new Choice(IndexOf(request, prompt, number), text, logprobs, null);
    }

    public static int IndexOf(CompletionRequest request, int prompt, int number) => prompt * request.Sampling.Options.Count + number;

    private static Choice Of(CompletionRequest request, int prompt, int number, EngineResult result, EngineSample? sample, ServedModel model)
    {
        var (ids, text) = request.Prompts[prompt];
        var echoed = request.Echo ? text : "";
        var logprobs = request.Logprobs is null ? null : new CompletionLogProbs.Builder(model);
        if (request.ScoresPrompt) logprobs?.AddPrompt(ids, result.PromptScores);
        if (sample is not null) logprobs?.AddSample(sample, echoed.Length);
        // Where no token was asked for, the length is reached.
        var reason = AnswerId.NameOf(sample?.Finish ?? Evaluation.Requests.FinishReason.Length);
        return new Choice(IndexOf(request, prompt, number), echoed + sample?.Text, logprobs?.Build(), reason);
    }

    /// <summary>As many samples as were asked for; null for each where no token was.</summary>
    private static IEnumerable<EngineSample?> Best(IReadOnlyList<EngineSample> samples, CompletionRequest request)
    {
        var count = request.Sampling.Options.Count;
        if (samples.Count == 0) return Enumerable.Repeat<EngineSample?>(null, count);
        return samples.Count == count ? samples : samples.OrderByDescending(PerToken).Take(count);
    }

    private static double PerToken(EngineSample sample) =>
        sample.Scores.Concat(sample.End is { } end ? [end] : []).Select(score => score.LogProbability).DefaultIfEmpty(float.NegativeInfinity).Average();
}
