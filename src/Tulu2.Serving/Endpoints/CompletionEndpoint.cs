using Tulu2.Evaluation.Generation;
using Tulu2.Serving.Answers;
using Tulu2.Serving.Bodies;
using Tulu2.Serving.Chunks;
using Tulu2.Serving.Requests;
using Tulu2.Serving.Streams;

namespace Tulu2.Serving.Endpoints;

/// <summary><c>POST /v1/completions</c>.</summary>
internal sealed class CompletionEndpoint(EndpointParts parts) : GenerationEndpoint<CompletionRequest>(parts)
{
    protected override CompletionRequest Read(JsonFields fields) => CompletionRequest.Read(fields, Parts.Model, Parts.Settings);

    protected override SamplingFields SamplingOf(CompletionRequest request) => request.Sampling;

    protected override IReadOnlyList<EngineRequest> ToEngine(CompletionRequest request) => [.. request.ToEngine()];

    protected override object AnswerOf(CompletionRequest request, IReadOnlyList<EngineResult> results) =>
        CompletionAnswer.Of(AnswerId.New("cmpl", Parts.Model), request, results, Parts.Model);

    protected override async Task<(IChunks Chunks, IReadOnlyList<EngineRequest> Requests)> StreamOf(
        CompletionRequest request, long began, CancellationToken cancellation)
    {
        var chunks = new CompletionChunks(request, Parts.Model);
        var requests = ToEngine(request);
        if (!request.ScoresPrompt) return (chunks, requests);
        // The prompts' log-probabilities come first in a stream, but last from the engine: they are computed for themselves.
        var prompts = requests.Select(one => one with { Options = one.Options with { MaxTokens = 0, Count = 1 } });
        chunks.Prompts = await Parts.Engine.RunAsync([.. prompts], began, onToken: null, cancellation);
        return (chunks, [.. requests.Select(one => one with { PromptLogProbabilities = false })]);
    }
}
