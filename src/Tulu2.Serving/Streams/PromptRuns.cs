using Tulu2.Evaluation.Generation;
using Tulu2.Serving.Measurements;
using Tulu2.Serving.Served;
using Tulu2.Serving.Settings;

namespace Tulu2.Serving.Streams;

/// <summary>Gives the prompts of a request to the engine.</summary>
internal sealed class PromptRuns(ServedModel model, ServerMetrics metrics, ServerSettings settings)
{
    /// <param name="requests">One for each prompt.</param>
    /// <param name="began">When the request came, for the metrics.</param>
    /// <param name="onToken">Called with the prompt's number and a token, on the engine's thread.</param>
    /// <returns>[requests]. Where one fails, the others are cancelled.</returns>
    public async Task<IReadOnlyList<EngineResult>> RunAsync(
        IReadOnlyList<EngineRequest> requests, long began, Action<int, EngineToken>? onToken, CancellationToken cancellation)
    {
        var results = new EngineResult[requests.Count];
        var options = new ParallelOptions { MaxDegreeOfParallelism = settings.PromptsAtATime, CancellationToken = cancellation };
        await Parallel.ForEachAsync(Enumerable.Range(0, requests.Count), options, async (prompt, ending) =>
        {
            var clock = new TokenClock(metrics, began, requests[prompt].Options.Count);
            results[prompt] = await RunAsync(requests[prompt], token =>
            {
                clock.Tick(token);
                onToken?.Invoke(prompt, token);
            }, ending);
        });
        return results;
    }

    private Task<EngineResult> RunAsync(EngineRequest request, Action<EngineToken> onToken, CancellationToken cancellation) =>
        // Nothing to compute: the prompt is echoed, and that is all.
        request is { Options.MaxTokens: 0, PromptLogProbabilities: false } ? Task.FromResult(new EngineResult(request.PromptIds.Length, 0, [], []))
            : model.Engine.SubmitAsync(request with { OnToken = onToken }, cancellation);
}
