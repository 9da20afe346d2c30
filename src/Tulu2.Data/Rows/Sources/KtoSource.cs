using System.Text.Json;
using Tulu2.Data.Rows.Conversion;

namespace Tulu2.Data.Rows.Sources;

/// <summary>
/// Unpaired preferences: a <c>prompt</c> and its <c>completion</c>, texts or lists of turns, with a <c>label</c> that says whether the completion's last turn is
/// desirable: true or false, 1 or 0, also as texts.
/// </summary>
internal sealed class KtoSource : IRowSource<UnpairedRow>
{
    private const string Completion = PromptCompletion.Completion, Label = PromptCompletion.Label;
    private const string Wanted = """{"prompt": "...", "completion": "...", "label": true}""";

    private static readonly string[] Needed = [RowKeys.Prompt, Completion, Label];

    public string Name => "kto";

    public RowKind Kind => RowKind.Unpaired;

    public IReadOnlyList<string> Keys => Needed;

    // Without the label it is the form prompt_completion.
    public Likeness Match(JsonElement record) => Needed.All(key => JsonFields.Has(record, key)) ? Likeness.Certain : Likeness.None;

    public RowResult<UnpairedRow> Convert(JsonElement record, RowLocation location)
    {
        if (Array.Find(Needed, key => !JsonFields.Has(record, key)) is { } missing)
            return new RowFault(location, $"no {missing}: the row has {JsonFields.Names(record)}; wanted: {Wanted}");
        if (RowKeys.Refusal(record, "", RowKeys.RefusedInRow) is { } refusal) return new RowFault(location, refusal);
        if (Desirable(record.GetProperty(Label)) is not { } desirable)
            return new RowFault(location, $"{Label} is {Shown(record.GetProperty(Label))}; an answer is desirable (true or 1) or not (false or 0)");
        if (PromptCompletion.Turns(record, out var prompt, out var completion) is { } reason) return new RowFault(location, reason);
        List<Message> messages = [.. prompt, .. completion];
        if (TurnParser.AddSystem(record, messages) is { } systemReason) return new RowFault(location, systemReason);
        if (messages[^1].Role != Message.Assistant) return new RowFault(location, $"{Completion} does not end with an assistant turn");
        if (!messages[^1].Learnt) return new RowFault(location, $"the {Completion} has weight 0, but it is what is learnt");
        if (JsonFields.Labels(record, location, out var dataset, out var id) is { } labelReason) return new RowFault(location, labelReason);
        if (TurnText.Strip(messages[^1].Content).Length == 0) return new RowFault(location, $"the {Completion} is empty", RowFaultKind.Dirt);
        return new UnpairedRow(id, messages, desirable, location) { Dataset = dataset };
    }

    private static bool? Desirable(JsonElement label) => label.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        JsonValueKind.Number when label.GetDouble() is 0 or 1 => label.GetDouble() == 1,
        JsonValueKind.String => label.GetString()!.ToLowerInvariant() switch
        {
            "true" or "1" => true,
            "false" or "0" => false,
            _ => null,
        },
        _ => null,
    };

    private static string Shown(JsonElement label) => label.ValueKind == JsonValueKind.Number ? label.GetRawText()
        : label.ValueKind == JsonValueKind.String ? $"the text '{label.GetString()}'" : JsonFields.Describe(label);
}
