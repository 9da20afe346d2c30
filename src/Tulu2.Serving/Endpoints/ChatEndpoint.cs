using Tulu2.Evaluation.Generation;
using Tulu2.Serving.Answers;
using Tulu2.Serving.Bodies;
using Tulu2.Serving.Chunks;
using Tulu2.Serving.Requests;
using Tulu2.Serving.Streams;

namespace Tulu2.Serving.Endpoints;

/// <summary><c>POST /v1/chat/completions</c>.</summary>
internal sealed class ChatEndpoint(EndpointParts parts) : GenerationEndpoint<ChatRequest>(parts)
{
    protected override ChatRequest Read(JsonFields fields) => ChatRequest.Read(fields, Parts.Model, Parts.Settings);

    protected override SamplingFields SamplingOf(ChatRequest request) => request.Sampling;

    protected override IReadOnlyList<EngineRequest> ToEngine(ChatRequest request) => [request.ToEngine()];

    protected override object AnswerOf(ChatRequest request, IReadOnlyList<EngineResult> results) =>
        ChatAnswer.Of(AnswerId.New("chatcmpl", Parts.Model), request, results[0], Parts.Model);

    protected override Task<(IChunks Chunks, IReadOnlyList<EngineRequest> Requests)> StreamOf(
        ChatRequest request, long began, CancellationToken cancellation) =>
        Task.FromResult<(IChunks, IReadOnlyList<EngineRequest>)>((new ChatChunks(request, Parts.Model), ToEngine(request)));
}
