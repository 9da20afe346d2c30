using System.Text.Json;

namespace Tulu2.Data.Rows.Conversion;

/// <summary>A <c>prompt</c> and its <c>completion</c>, each a text or a list of turns: the part that two forms have in common.</summary>
internal static class PromptCompletion
{
    public const string Completion = "completion", Label = "label";

    /// <summary>A text becomes a turn, of the user before and of the assistant after. The record has both keys. Returns a reason where one is neither text nor turns.</summary>
    public static string? Turns(JsonElement record, out List<Message> prompt, out List<Message> completion)
    {
        completion = [];
        return Side(record, RowKeys.Prompt, Message.User, out prompt) ?? Side(record, Completion, Message.Assistant, out completion);
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
