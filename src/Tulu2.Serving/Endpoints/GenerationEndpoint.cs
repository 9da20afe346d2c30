using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using Tulu2.Evaluation.Generation;
using Tulu2.Serving.Bodies;
using Tulu2.Serving.Errors;
using Tulu2.Serving.Json;
using Tulu2.Serving.Requests;
using Tulu2.Serving.Streams;

namespace Tulu2.Serving.Endpoints;

/// <summary>An endpoint whose answers the engine generates.</summary>
internal abstract class GenerationEndpoint<TRequest>(EndpointParts parts)
{
    protected EndpointParts Parts { get; } = parts;

    /// <exception cref="ApiException">And others that <see cref="ApiException.Of"/> knows: nothing was answered yet.</exception>
    public async Task HandleAsync(HttpContext context)
    {
        var began = Stopwatch.GetTimestamp();
        using var place = Parts.Gate.Enter();
        using var running = Parts.Metrics.Running();
        var request = await ReadAsync(context);
        // A client that goes away frees its room in the engine.
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, Parts.Life.Ended);
        if (SamplingOf(request).Stream) await StreamAsync(context, request, began, ending.Token);
        else await AnswerAsync(context, request, began, ending.Token);
    }

    protected abstract TRequest Read(JsonFields fields);

    protected abstract SamplingFields SamplingOf(TRequest request);

    /// <summary>For the engine, one for each prompt.</summary>
    protected abstract IReadOnlyList<EngineRequest> ToEngine(TRequest request);

    /// <summary>The whole answer.</summary>
    protected abstract object AnswerOf(TRequest request, IReadOnlyList<EngineResult> results);

    /// <summary>The chunks of a streamed answer, and what the engine has to do for them.</summary>
    protected abstract Task<(IChunks Chunks, IReadOnlyList<EngineRequest> Requests)> StreamOf(TRequest request, long began, CancellationToken cancellation);

    private async Task<TRequest> ReadAsync(HttpContext context)
    {
        using var body = await JsonBody.ReadAsync(context);
        var fields = new JsonFields(body.RootElement);
        var model = fields.Text("model");
        if (model is not null && !Parts.Model.Is(model)) throw ModelEndpoint.NotFound(model);
        return Read(fields);
    }

    private async Task AnswerAsync(HttpContext context, TRequest request, long began, CancellationToken cancellation)
    {
        var results = await Parts.Engine.RunAsync(ToEngine(request), began, onToken: null, cancellation);
        await context.Response.WriteAsJsonAsync(AnswerOf(request, results), ApiJson.Options, context.RequestAborted);
    }

    private async Task StreamAsync(HttpContext context, TRequest request, long began, CancellationToken cancellation)
    {
        var (chunks, requests) = await StreamOf(request, began, cancellation);
        await new StreamedAnswer(context, Parts.Settings, Parts.Metrics, Parts.Describe)
            .RunAsync((onToken, ending) => Parts.Engine.RunAsync(requests, began, onToken, ending), chunks, cancellation);
    }
}
