using Tulu2.Evaluation.Generation;
using Tulu2.Serving.Bodies;
using Tulu2.Serving.Errors;
using Tulu2.Serving.Served;
using Tulu2.Serving.Settings;

namespace Tulu2.Serving.Requests;

/// <summary>A request to <c>/v1/chat/completions</c>.</summary>
/// <param name="PromptIds">The dialogue in the chat template, with the assistant's tag at the end.</param>
/// <param name="Top">Most likely tokens to report for each place; null: no log-probabilities.</param>
internal sealed record ChatRequest(int[] PromptIds, SamplingFields Sampling, int? MaxTokens, int? Top)
{
    private const int MaxTop = 20;

    public static ChatRequest Read(JsonFields fields, ServedModel model, ServerSettings settings)
    {
        var sampling = SamplingFields.Read(fields, settings);
        var tokens = fields.Count("max_completion_tokens", 1, int.MaxValue);
        var old = fields.Count("max_tokens", 1, int.MaxValue);
        var logprobs = fields.Flag("logprobs") ?? false;
        var top = fields.Count("top_logprobs", 0, MaxTop);
        if (top > 0 && !logprobs) throw ApiException.Invalid("'top_logprobs' is only for requests with 'logprobs': true.", "top_logprobs");
        var messages = MessageFields.Read(fields);
        fields.RefuseOthers();
        var ids = model.Chat.EncodePrompt(messages);
        return ids.Length < model.Engine.ContextLength ? new ChatRequest(ids, sampling, tokens ?? old, logprobs ? top ?? 0 : null)
            : throw PromptFields.TooLong(ids.Length, "messages", model);
    }

    public EngineRequest ToEngine() => new(PromptIds, Sampling.Options with { MaxTokens = MaxTokens }) { Top = Top };
}
