using System.Text.Json;

namespace Tulu2.Data.Rows.Conversion;

/// <summary>Fields that are texts, under one of several names.</summary>
internal static class TextFields
{
    /// <summary>The text under whichever of the names has one; null where none has. Returns a reason where it is no text, or two are different texts.</summary>
    public static string? One(JsonElement record, IReadOnlyList<string> names, out string? text)
    {
        text = null;
        string? first = null;
        foreach (var name in names)
        {
            if (!JsonFields.TryGet(record, name, out var field)) continue;
            if (TurnContent.Read(field, name, out var found) is { } reason) return reason;
            if (first is not null && found != text && found.Length > 0 && text!.Length > 0) return $"{first} and {name} are different texts, and only one can be meant";
            if (first is null || text!.Length == 0) (first, text) = (name, found);
        }
        return null;
    }

    /// <summary>A task and the text that it is about as one turn: separated by a blank line, or one of them alone.</summary>
    public static string Prompt(string? instruction, string? input)
    {
        var (task, about) = (TurnText.Strip(instruction ?? ""), TurnText.Strip(input ?? ""));
        return task.Length == 0 ? about : about.Length == 0 ? task : $"{task}\n\n{about}";
    }
}
