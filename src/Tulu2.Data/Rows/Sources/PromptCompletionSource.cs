using System.Text.Json;
using Tulu2.Data.Rows.Conversion;

namespace Tulu2.Data.Rows.Sources;

/// <summary>
/// A <c>prompt</c> and its <c>completion</c>, texts or lists of turns. Texts become a turn of the user and one of the assistant, in the chat template: the older
/// trainers joined them without a template. Only the completion is learnt.
/// </summary>
internal sealed class PromptCompletionSource : InstructionSource
{
    private const string Completion = PromptCompletion.Completion, Label = PromptCompletion.Label, Wanted = """{"prompt": "...", "completion": "..."}""";

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
            return "label is true or false: this is an unpaired preference (set objective: kto, or give instruction rows)";
        if (PromptCompletion.Turns(record, out var prompt, out var completion) is { } reason) return reason;
        messages = [.. prompt.Select(message => message with { Learnt = message.Role != Message.Assistant }), .. completion];
        return null;
    }
}
