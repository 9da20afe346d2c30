using System.Globalization;
using System.Text.Json;

namespace Tulu2.Data.Rows;

internal static class PreferenceRowParser
{
    public static RowResult<PreferenceRow> Parse(JsonElement row, RowLocation location)
    {
        if (Prompt(row, out var prompt) is { } promptReason) return new RowFault(location, promptReason);
        if (Side(row, "chosen", prompt, out var chosen) is { } chosenReason) return new RowFault(location, chosenReason);
        if (Side(row, "rejected", prompt, out var rejected) is { } rejectedReason) return new RowFault(location, rejectedReason);
        if (JsonFields.Label(row, "dataset", Path.GetFileName(location.File), out var dataset) is { } datasetReason)
            return new RowFault(location, datasetReason);
        if (JsonFields.Label(row, "id", location.Line.ToString(CultureInfo.InvariantCulture), out var id) is { } idReason)
            return new RowFault(location, idReason);

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
        if (!JsonFields.TryGet(row, "prompt", out var field)) return null;
        if (field.ValueKind == JsonValueKind.String)
        {
            prompt = [new Message(Message.User, field.GetString()!)];
            return null;
        }
        return JsonFields.Messages(field, "prompt", out prompt);
    }

    private static string? Side(JsonElement row, string name, List<Message>? prompt, out List<Message> dialogue)
    {
        dialogue = [];
        if (!JsonFields.TryGet(row, name, out var field)) return $"no {name} answer";
        if (field.ValueKind == JsonValueKind.String)
        {
            if (prompt is null) return $"{name} is a text but there is no prompt";
            dialogue = [.. prompt, new Message(Message.Assistant, field.GetString()!)];
            return null;
        }
        if (JsonFields.Messages(field, name, out var messages) is { } reason) return reason;
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

    // The chat template strips every turn, so that texts which differ in outer white space only are the same tokens.
    private static Message Trimmed(Message message) => message with { Content = Chat.TurnText.Strip(message.Content) };
}
