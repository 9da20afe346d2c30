using System.Text.Json;
using Tulu2.Data.Rows;
using Tulu2.Data.Rows.Conversion;

namespace Tulu2.Mixtures.Conversion;

/// <summary>Reads fields of a record. What is wrong becomes the record's reason.</summary>
internal static class RecordFields
{
    /// <summary>A text, which may be empty.</summary>
    public static bool Text(JsonElement record, string key, RecordOutput output, out string text)
    {
        text = "";
        if (!JsonFields.TryGet(record, key, out var field))
        {
            output.Reject($"no {key}: the record has {JsonFields.Names(record)}");
            return false;
        }
        if (field.ValueKind == JsonValueKind.String)
        {
            text = field.GetString()!;
            return true;
        }
        output.Reject($"{key} is {JsonFields.Describe(field)}, not a text");
        return false;
    }

    /// <summary>A text; empty where it is absent or null.</summary>
    public static bool TextOrEmpty(JsonElement record, string key, RecordOutput output, out string text)
    {
        text = "";
        return !JsonFields.TryGet(record, key, out _) || Text(record, key, output, out text);
    }

    /// <summary>A text or a number, as it is written.</summary>
    public static bool Label(JsonElement record, string key, RecordOutput output, out string label)
    {
        label = "";
        if (!JsonFields.TryGet(record, key, out var field) || field.ValueKind != JsonValueKind.Number) return Text(record, key, output, out label);
        label = field.GetRawText();
        return true;
    }

    /// <summary>A list.</summary>
    public static bool List(JsonElement record, string key, RecordOutput output, out JsonElement list)
    {
        if (!JsonFields.TryGet(record, key, out list)) output.Reject($"no {key}: the record has {JsonFields.Names(record)}");
        else if (list.ValueKind != JsonValueKind.Array) output.Reject($"{key} is {JsonFields.Describe(list)}, not a list");
        else return true;
        return false;
    }

    public static Message User(string content) => new(Message.User, content);

    public static Message Assistant(string content) => new(Message.Assistant, content);
}
