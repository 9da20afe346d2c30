using Tulu2.Data.Chat;
using Tulu2.Data.Rows;
using Tulu2.Evaluation.Generation;

namespace Tulu2.Evaluation.Scoring;

/// <summary>Whether rows fit into a model's context. Needs its tokenizer, not its weights.</summary>
/// <param name="Chat">Cuts at the context's length.</param>
public sealed record RowRoom(ChatEncoder Chat)
{
    private int Context => Chat.MaxLength;

    /// <param name="model">A Hugging Face directory.</param>
    /// <exception cref="Files.BadInputException">Its configuration or tokenizer cannot be used.</exception>
    public static RowRoom Of(string model) => new(LoadedModel.ReadChat(model));

    /// <summary>Why a row cannot be scored; null if it can.</summary>
    internal string? TooLong(MessageRow row)
    {
        var prompt = Chat.EncodePrompt(Question(row)).Length;
        return prompt < Context ? null : $"its prompt has {prompt:N0} tokens, but the model's context holds {Context:N0}, answer included";
    }

    /// <inheritdoc cref="TooLong(MessageRow)"/>
    internal string? TooLong(PreferenceRow row)
    {
        var (chosen, rejected) = Encode(row);
        var side = chosen.LossTokens == 0 ? "chosen" : rejected.LossTokens == 0 ? "rejected" : null;
        if (side is not null) return $"its {side} answer lies beyond the model's context of {Context:N0} tokens";
        return chosen.Ids.AsSpan().SequenceEqual(rejected.Ids) ? $"its answers do not differ within the model's context of {Context:N0} tokens" : null;
    }

    /// <summary>The expected answer is longer than any that can be generated.</summary>
    internal bool IsOutOfReach(MessageRow row, int? maxTokens)
    {
        var prompt = Chat.EncodePrompt(Question(row)).Length;
        // Without the end token, which an answer that ends where the context does need not have.
        var answer = Chat.EncodeDialogue([.. row.Messages.Take(Question(row).Count + 1)]).UntruncatedLength - prompt - 1;
        return answer > Math.Min(maxTokens ?? int.MaxValue, Context - prompt);
    }

    internal bool IsCut(PreferenceRow row)
    {
        var (chosen, rejected) = Encode(row);
        return chosen.Truncated || rejected.Truncated;
    }

    /// <summary>The turns before the last assistant turn.</summary>
    internal static IReadOnlyList<Message> Question(MessageRow row)
    {
        var last = row.Messages.Count - 1;
        while (last >= 0 && row.Messages[last].Role != Message.Assistant) last--;
        return [.. row.Messages.Take(Math.Max(0, last))];
    }

    private (EncodedSequence Chosen, EncodedSequence Rejected) Encode(PreferenceRow row) =>
        (Chat.EncodeDialogue(row.Chosen, LossRule.LastAssistantTurn), Chat.EncodeDialogue(row.Rejected, LossRule.LastAssistantTurn));
}
