using System.Text.Json;
using Tulu2.Data.Rows.Conversion;

namespace Tulu2.Data.Rows.Sources;

/// <summary>
/// A <c>prompt</c> and its <c>completion</c>, texts or lists of turns. Texts become a turn of the user and one of the assistant, in the chat template: the older
/// trainers joined them without a template. Only the completion is learnt.
/// </summary>
internal sealed class PromptCompletionSource : InstructionSource
{
    private const string Completion = "completion", Label = "label", Wanted = """{"prompt": "...", "completion": "..."}""";

    public override string Name => "prompt_completion";

    public override IReadOnlyList<string> Keys => [RowKeys.Prompt, Completion, Label];

    public override Likeness Match(JsonElement record)
    {
        if (!record.TryGetProperty(Completion, out _)) return Likeness.None;
        return JsonFields.Has(record, RowKeys.Prompt) && JsonFields.Has(record, Completion) ? Likeness.Complete : Likeness.Incomplete;
    }

    protected override string? Missing(JsonElement record) =>
        record.TryGetProperty(RowKeys.Prompt, out _) && record.TryGetProperty(Completion, out _) ? null : $"no prompt with its completion: the row has {JsonFields.Names(record)}; wanted: {Wanted}";

    protected override string? Turns(JsonElement record, out List<Message> messages)
    {
        messages = [];
        // The form of unpaired preferences: a completion that was judged bad is no answer to learn.
        if (JsonFields.TryGet(record, Label, out var label) && label.ValueKind is JsonValueKind.True or JsonValueKind.False)
            return "label is true or false: unpaired preferences are not trained (give pairs of chosen and rejected)";
        if (Side(record, RowKeys.Prompt, Message.User, out var prompt) is { } reason) return reason;
        if (Side(record, Completion, Message.Assistant, out var completion) is { } completionReason) return completionReason;
        messages = [.. prompt.Select(message => message with { Learnt = message.Role != Message.Assistant }), .. completion];
        return null;
    }

    private static string? Side(JsonElement record, string name, string role, out List<Message> messages)
    {
        messages = [];
        var field = record.GetProperty(name);
        if (field.ValueKind == JsonValueKind.Array) return TurnParser.Messages(field, name, out messages);
        if (field.ValueKind != JsonValueKind.String) return $"{name} is {JsonFields.Describe(field)}, not a text or a list of turns";
        messages = [new Message(role, field.GetString()!)];
        return null;
    }
}
