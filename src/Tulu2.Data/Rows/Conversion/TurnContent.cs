using System.Text;
using System.Text.Json;

namespace Tulu2.Data.Rows.Conversion;

/// <summary>The text of a turn: a text, or a list of parts that are texts.</summary>
internal static class TurnContent
{
    /// <summary>Reads the text; the texts of parts are joined as they are. Returns a reason where it is anything else.</summary>
    /// <param name="path">Where it stands, for reasons.</param>
    public static string? Read(JsonElement content, string path, out string text)
    {
        text = "";
        if (content.ValueKind == JsonValueKind.String)
        {
            text = content.GetString()!;
            return null;
        }
        if (content.ValueKind != JsonValueKind.Array) return $"{path} is {JsonFields.Describe(content)}, not a text";
        var parts = new StringBuilder();
        var number = 0;
        foreach (var part in content.EnumerateArray())
        {
            if (Part(part, $"{path}[{number++}]", out var partText) is { } reason) return reason;
            parts.Append(partText);
        }
        text = parts.ToString();
        return number == 0 ? $"{path} is an empty list" : null;
    }

    private static string? Part(JsonElement part, string path, out string text)
    {
        text = "";
        if (part.ValueKind != JsonValueKind.Object) return $"{path} is {JsonFields.Describe(part)}, not a part with type and text";
        var type = JsonFields.TryGet(part, "type", out var named) && named.ValueKind == JsonValueKind.String ? named.GetString()! : "";
        if (type is not ("text" or "input_text" or "output_text")) return type == "" ? $"{path} has no type" : $"{path} is of type '{type}': only text is trained";
        if (!JsonFields.TryGet(part, "text", out var value)) return $"{path} has no text";
        if (value.ValueKind != JsonValueKind.String) return $"{path}.text is {JsonFields.Describe(value)}, not a text";
        text = value.GetString()!;
        return null;
    }
}
