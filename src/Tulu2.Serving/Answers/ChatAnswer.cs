using System.Text.Json.Serialization;
using Tulu2.Data.Rows;
using Tulu2.Evaluation.Generation;
using Tulu2.Serving.Requests;
using Tulu2.Serving.Served;

namespace Tulu2.Serving.Answers;

/// <summary>The answer to a request for chat completions.</summary>
internal sealed record ChatAnswer(string Id, string Object, long Created, string Model, IReadOnlyList<ChatAnswer.Choice> Choices, Usage Usage)
{
    internal sealed record Choice(int Index, Turn Message, ChatLogProbs? Logprobs, string? FinishReason);

    internal sealed record Turn(string Role, string Content, string? Refusal = null);

    public static ChatAnswer Of(AnswerId id, ChatRequest request, EngineResult result, ServedModel model) => new(id.Id, "chat.completion", id.Created, id.Model,
        [.. result.Samples.Select((sample, number) => new Choice(number, new Turn(Message.Assistant, sample.Text),
            request.Top is null ? null : ChatLogProbs.Of(SampleScores.Visible(sample, model).Select(token => token.Score), model),
            AnswerId.NameOf(sample.Finish)))],
        Usage.Of([result]));
}

/// <summary>A chunk of a streamed answer.</summary>
internal sealed record ChatChunk(string Id, string Object, long Created, string Model, IReadOnlyList<ChatChunk.Choice> Choices)
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Usage? Usage { get; init; }

    internal sealed record Choice(int Index, Delta Delta, ChatLogProbs? Logprobs, string? FinishReason);

    internal sealed record Delta
    {
        [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
        public string? Role { get; init; }

        [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
        public string? Content { get; init; }
    }

    public static ChatChunk Of(AnswerId id, params IReadOnlyList<Choice> choices) => new(id.Id, "chat.completion.chunk", id.Created, id.Model, choices);
}
