using System.Globalization;
using System.Text.Json;
using Tulu2.Data.Rows.Conversion;
using Tulu2.Files;

namespace Tulu2.Data.Benchmarks;

/// <summary>A JSON object of a benchmark's file.</summary>
/// <param name="Where">For error messages.</param>
internal readonly record struct BenchmarkRecord(JsonElement Element, long Number, string Where)
{
    /// <summary>A text, or a number as it is written.</summary>
    /// <exception cref="BadInputException">There is none of that name.</exception>
    public string Text(string key) => Find(key) switch
    {
        { ValueKind: JsonValueKind.String } field => TextOf(field),
        { ValueKind: JsonValueKind.Number } field => field.GetRawText(),
        var field => throw Wrong($"{key} is {JsonFields.Describe(field)}, not a text"),
    };

    /// <summary>The objects of a list.</summary>
    public IEnumerable<BenchmarkRecord> List(string key)
    {
        var (list, where) = (Items(key), Where);
        return list.Select((item, at) => new BenchmarkRecord(item, at + 1, string.Create(CultureInfo.InvariantCulture, $"{where}: {key}[{at}]")));
    }

    /// <summary>The texts of a list.</summary>
    public IReadOnlyList<string> Texts(string key)
    {
        var texts = new List<string>();
        foreach (var item in Items(key))
            texts.Add(item.ValueKind == JsonValueKind.String ? TextOf(item) : throw Wrong($"{key} has {JsonFields.Describe(item)} in it, not a text"));
        return texts;
    }

    private List<JsonElement> Items(string key) =>
        Find(key) is { ValueKind: JsonValueKind.Array } list ? [.. list.EnumerateArray()] : throw Wrong($"{key} is not a list");

    private JsonElement Find(string key) =>
        Element.ValueKind != JsonValueKind.Object ? throw Wrong($"is {JsonFields.Describe(Element)}, not an object")
            : JsonFields.TryGet(Element, key, out var field) ? field : throw Wrong($"has no {key}; it has {JsonFields.Names(Element)}");

    private string TextOf(JsonElement text)
    {
        try
        {
            return text.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw Wrong(JsonFields.InvalidText);
        }
    }

    private BadInputException Wrong(string what) => new(Where, what, "give the benchmark's own file, as it is published");
}
