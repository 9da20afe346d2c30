using System.Globalization;
using System.Text.Json;
using Tulu2.Files;

namespace Tulu2.Evaluation.TaskData;

/// <summary>One object of a file of JSON Lines or of a JSON array.</summary>
/// <param name="Line">The line that it begins in, from 1.</param>
internal sealed record JsonItem(string Path, int Line, JsonElement Element)
{
    public string Location => $"{Path}:{Line}";

    /// <summary>The value of a key; null: it has no such key, or its value is null.</summary>
    public JsonElement? Value(string key) => Element.TryGetProperty(key, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    /// <exception cref="BadInputException">It has no such text.</exception>
    public string Text(string key) => TextOrNull(key) ?? throw Bad($"has no \"{key}\"");

    /// <exception cref="BadInputException">The value is not a text.</exception>
    public string? TextOrNull(string key) => Value(key) switch
    {
        null => null,
        { ValueKind: JsonValueKind.String } text => text.GetString(),
        _ => throw Bad($"has a \"{key}\" that is not a text"),
    };

    /// <summary>A number, or a text that is one: some programs write all values as texts.</summary>
    /// <returns>Null where there is none: no such key, null, NaN.</returns>
    /// <exception cref="BadInputException">The value is something else.</exception>
    public double? Number(string key)
    {
        double? number = Value(key) switch
        {
            null => null,
            { ValueKind: JsonValueKind.Number } value => value.GetDouble(),
            { ValueKind: JsonValueKind.String } value => OfText(value.GetString()!) ?? throw Bad($"has a \"{key}\" that is not a number: '{value.GetString()}'"),
            _ => throw Bad($"has a \"{key}\" that is not a number"),
        };
        return number is { } finite && double.IsFinite(finite) ? finite : null;
    }

    /// <summary>A name: a text, or a whole number as text.</summary>
    /// <exception cref="BadInputException">It has no such value.</exception>
    public string Name(string key) => Value(key) switch
    {
        { ValueKind: JsonValueKind.String } text => text.GetString()!.Trim(),
        { ValueKind: JsonValueKind.Number } number => number.GetDouble().ToString("R", CultureInfo.InvariantCulture),
        _ => throw Bad($"has no \"{key}\""),
    };

    public BadInputException Bad(string what, string fix = "correct or remove it") => new(Location, what, fix);

    private static double? OfText(string text) => text.Trim() switch
    {
        "" or "None" or "null" => double.NaN,
        var number => double.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) ? value : null,
    };
}
