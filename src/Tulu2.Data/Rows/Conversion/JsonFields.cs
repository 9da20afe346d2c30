using System.Globalization;
using System.Text.Json;

namespace Tulu2.Data.Rows.Conversion;

/// <summary>Reads fields of a record; what is wrong comes back as a reason, not as an exception.</summary>
internal static class JsonFields
{
    /// <summary>The reason where reading a text throws <see cref="InvalidOperationException"/>: only the transcoding of strings does.</summary>
    public const string InvalidText = "the text is not valid Unicode (a lone surrogate, or bytes that are not UTF-8)";

    private const int ShownNames = 12;

    public static string Describe(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "a list",
        JsonValueKind.String => "a text",
        JsonValueKind.Number => "a number",
        JsonValueKind.True or JsonValueKind.False => "true or false",
        _ => "null",
    };

    /// <summary>The names of a record's keys, for a message.</summary>
    public static string Names(JsonElement row)
    {
        var names = row.EnumerateObject().Select(property => property.Name).ToList();
        return string.Join(", ", names.Take(ShownNames)) + (names.Count > ShownNames ? ", ..." : "");
    }

    /// <summary>The field, unless it is absent or null.</summary>
    public static bool TryGet(JsonElement row, string name, out JsonElement field) =>
        row.TryGetProperty(name, out field) && field.ValueKind != JsonValueKind.Null;

    /// <summary>The record has the field, and it is not null.</summary>
    public static bool Has(JsonElement row, string name) => TryGet(row, name, out _);

    /// <summary>
    /// A row's dataset and id; where the record has none, the file's name and the line. Returns a reason where one is neither a text nor a number.
    /// </summary>
    public static string? Labels(JsonElement record, RowLocation location, out string dataset, out string id)
    {
        id = "";
        return Label(record, RowKeys.Dataset, Path.GetFileName(location.File), out dataset)
            ?? Label(record, RowKeys.Id, location.Line.ToString(CultureInfo.InvariantCulture), out id);
    }

    /// <summary>A label (dataset, id): a text or a number; the fallback where it is absent or empty. Returns a reason where it is anything else.</summary>
    private static string? Label(JsonElement row, string name, string fallback, out string label)
    {
        label = fallback;
        if (!TryGet(row, name, out var field)) return null;
        if (field.ValueKind == JsonValueKind.String) label = field.GetString() is { Length: > 0 } text ? text : fallback;
        else if (field.ValueKind == JsonValueKind.Number) label = field.GetRawText();
        else return $"{name} is {Describe(field)}, not a text";
        return null;
    }
}
