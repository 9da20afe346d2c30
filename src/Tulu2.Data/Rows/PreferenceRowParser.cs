using System.Globalization;
using System.Text.Json;

namespace Tulu2.Data.Rows;

internal static class PreferenceRowParser
{
    private const string WantedForm = """{"prompt": "...", "chosen": "...", "rejected": "..."}, or chosen and rejected as lists of messages""";

    /// <summary>The row is a pair, whatever else it has: a <c>messages</c> beside both sides only repeats one of them.</summary>
    public static bool IsPair(JsonElement row) => JsonFields.TryGet(row, RowKeys.Chosen, out _) && JsonFields.TryGet(row, RowKeys.Rejected, out _);

    public static RowResult<PreferenceRow> Parse(JsonElement row, RowLocation location)
    {
        if (RowKeys.Refusal(row, "", RowKeys.RefusedInRow) is { } refusal) return new RowFault(location, refusal);
        if (Prompt(row, out var prompt) is { } promptReason) return new RowFault(location, promptReason);
        if (Side(row, RowKeys.Chosen, prompt, out var chosen) is { } chosenReason) return new RowFault(location, chosenReason);
        if (Side(row, RowKeys.Rejected, prompt, out var rejected) is { } rejectedReason) return new RowFault(location, rejectedReason);
        if (TurnParser.AddSystem(row, chosen) is { } chosenSystem) return new RowFault(location, chosenSystem);
        if (TurnParser.AddSystem(row, rejected) is { } rejectedSystem) return new RowFault(location, rejectedSystem);
        if (JsonFields.Label(row, RowKeys.Dataset, Path.GetFileName(location.File), out var dataset) is { } datasetReason)
            return new RowFault(location, datasetReason);
        if (JsonFields.Label(row, RowKeys.Id, location.Line.ToString(CultureInfo.InvariantCulture), out var id) is { } idReason)
            return new RowFault(location, idReason);

        if (!chosen[^1].Learnt || !rejected[^1].Learnt) return new RowFault(location, "an answer has weight 0, but a pair's answers are what is learnt");
        if (Chat.TurnText.Strip(chosen[^1].Content).Length == 0) return Dirt(location, "the chosen answer is empty");
        if (Chat.TurnText.Strip(rejected[^1].Content).Length == 0) return Dirt(location, "the rejected answer is empty");
        if (!SameDialogue(chosen.Take(chosen.Count - 1), rejected.Take(rejected.Count - 1)))
            return new RowFault(location, "chosen and rejected do not answer the same prompt");
        if (SameDialogue(chosen, rejected)) return Dirt(location, "chosen and rejected are equal");
        return new PreferenceRow(id, chosen, rejected, location) { Dataset = dataset };
    }

    private static RowFault Dirt(RowLocation location, string reason) => new(location, reason, RowFaultKind.Dirt);

    private static string? Prompt(JsonElement row, out List<Message>? prompt)
    {
        prompt = null;
        if (!JsonFields.TryGet(row, RowKeys.Prompt, out var field)) return null;
        if (field.ValueKind == JsonValueKind.String)
        {
            prompt = [new Message(Message.User, field.GetString()!)];
            return null;
        }
        return TurnParser.Messages(field, RowKeys.Prompt, out prompt);
    }

    private static string? Side(JsonElement row, string name, List<Message>? prompt, out List<Message> dialogue)
    {
        dialogue = [];
        if (!JsonFields.TryGet(row, name, out var field)) return $"no {name} answer{Seen(row)}";
        if (field.ValueKind == JsonValueKind.String)
        {
            if (prompt is null) return $"{name} is a text but there is no prompt: the row has {JsonFields.Names(row)}; wanted: {WantedForm}";
            dialogue = [.. prompt, new Message(Message.Assistant, field.GetString()!)];
            return null;
        }
        if (TurnParser.Messages(field, name, out var messages) is { } reason) return reason;
        if (messages[^1].Role != Message.Assistant) return $"{name} does not end with an assistant turn";
        return Join(prompt, messages, name, out dialogue);
    }

    // A list either is the whole dialogue (the prompt field then only repeats it) or the answer alone.
    private static string? Join(List<Message>? prompt, List<Message> messages, string name, out List<Message> dialogue)
    {
        dialogue = messages;
        if (messages[0].Role != Message.Assistant)
        {
            var repeats = prompt is null || messages.Count > prompt.Count && SameDialogue(prompt, messages.Take(prompt.Count))
                || prompt.Count == 1 && messages.Exists(message => message.Role == prompt[0].Role && Same(message, prompt[0]));
            return repeats ? null : $"{name} is a whole dialogue that does not hold the prompt";
        }
        if (prompt is null) return $"{name} begins with an assistant turn and there is no prompt";
        dialogue = messages.Count > prompt.Count && SameDialogue(prompt, messages.Take(prompt.Count)) ? messages : [.. prompt, .. messages];
        return null;
    }

    private static bool SameDialogue(IEnumerable<Message> left, IEnumerable<Message> right) =>
        left.Select(Trimmed).SequenceEqual(right.Select(Trimmed));

    private static bool Same(Message left, Message right) => Trimmed(left) == Trimmed(right);

    // The chat template strips every turn, so that texts which differ in outer white space only are the same tokens; of a pair only the answers are learnt.
    private static Message Trimmed(Message message) => message with { Content = Chat.TurnText.Strip(message.Content), Learnt = true };

    private static string Seen(JsonElement row) =>
        JsonFields.TryGet(row, RowKeys.Messages, out _) ? ": this is an instruction row (set objective: sft, or give preference pairs)"
        : row.EnumerateObject().Any() ? $": the row has {JsonFields.Names(row)}; wanted: {WantedForm}" : "";
}
