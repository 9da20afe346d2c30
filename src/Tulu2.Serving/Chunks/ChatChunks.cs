using Tulu2.Data.Rows;
using Tulu2.Evaluation.Generation;
using Tulu2.Serving.Answers;
using Tulu2.Serving.Requests;
using Tulu2.Serving.Served;
using Tulu2.Serving.Streams;

namespace Tulu2.Serving.Chunks;

/// <summary>The chunks of an answer of <c>/v1/chat/completions</c>: the role, the text piece by piece, the reason for the end.</summary>
internal sealed class ChatChunks(ChatRequest request, ServedModel model) : IChunks
{
    private readonly AnswerId _id = AnswerId.New("chatcmpl", model);
    private readonly Dictionary<int, PendingScores> _begun = [];

    public IEnumerable<object> Of(int prompt, EngineToken token)
    {
        if (!_begun.TryGetValue(token.Sample, out var pending))
        {
            _begun[token.Sample] = pending = new PendingScores(model, 0);
            yield return Chunk(token.Sample, new ChatChunk.Delta { Role = Message.Assistant, Content = "" }, null, null);
        }
        var scores = pending.Next(token);
        if (token.Text.Length > 0 || scores.Count > 0)
        {
            var logprobs = request.Top is null || scores.Count == 0 ? null : ChatLogProbs.Of(scores.Select(score => score.Score), model);
            yield return Chunk(token.Sample, new ChatChunk.Delta { Content = token.Text }, logprobs, null);
        }
        if (token.Finish is { } reason) yield return Chunk(token.Sample, new ChatChunk.Delta(), null, AnswerId.NameOf(reason));
    }

    public IEnumerable<object> Last(IReadOnlyList<EngineResult> results)
    {
        if (request.Sampling.IncludeUsage) yield return ChatChunk.Of(_id) with { Usage = Usage.Of(results) };
    }

    private ChatChunk Chunk(int number, ChatChunk.Delta delta, ChatLogProbs? logprobs, string? reason) =>
        ChatChunk.Of(_id, new ChatChunk.Choice(number, delta, logprobs, reason));
}
