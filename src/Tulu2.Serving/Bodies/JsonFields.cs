using System.Globalization;
using System.Text.Json;
using Tulu2.Serving.Errors;

namespace Tulu2.Serving.Bodies;

/// <summary>The fields of an object in a request. A field that is null counts as absent, as in the OpenAI API.</summary>
internal sealed class JsonFields
{
    private readonly Dictionary<string, JsonElement> _fields = [];
    private readonly HashSet<string> _known = [];
    private readonly string _path;

    /// <param name="path">Where the object is in the request, such as <c>stream_options</c>; empty: the request itself.</param>
    /// <exception cref="ApiException">A field's name is no text.</exception>
    public JsonFields(JsonElement value, string path = "")
    {
        _path = path;
        if (value.ValueKind != JsonValueKind.Object) throw WrongType(path, "an object", value);
        foreach (var property in value.EnumerateObject())
        {
            var name = TextOf(() => property.Name, path.Length == 0 ? null : path);
            if (property.Value.ValueKind != JsonValueKind.Null) _fields[name] = property.Value;
        }
    }

    /// <summary>The name of a field in error messages.</summary>
    public string PathOf(string name) => _path.Length == 0 ? name : $"{_path}.{name}";

    public JsonElement? Element(string name)
    {
        _known.Add(name);
        return _fields.TryGetValue(name, out var value) ? value : null;
    }

    public string? Text(string name) => Element(name) is { } value ? TextOf(value, PathOf(name)) : null;

    public bool? Flag(string name) => Element(name) switch
    {
        null => null,
        { ValueKind: JsonValueKind.True } => true,
        { ValueKind: JsonValueKind.False } => false,
        { } other => throw WrongType(PathOf(name), "a boolean", other),
    };

    public long? Integer(string name, long least = long.MinValue, long most = long.MaxValue)
    {
        if (Element(name) is not { } value) return null;
        if (value.ValueKind != JsonValueKind.Number) throw WrongType(PathOf(name), "an integer", value);
        if (!value.TryGetInt64(out var number))
            throw ApiException.Invalid($"Invalid '{PathOf(name)}': {value.GetRawText()} is not an integer of 64 bits.", PathOf(name), "invalid_type");
        CheckRange(name, number, least, most);
        return number;
    }

    public int? Count(string name, int least, int most) => (int?)Integer(name, least, most);

    public double? Number(string name, double least, double most)
    {
        if (Element(name) is not { } value) return null;
        if (value.ValueKind != JsonValueKind.Number) throw WrongType(PathOf(name), "a number", value);
        var number = value.GetDouble();
        CheckRange(name, number, least, most);
        return number;
    }

    public JsonFields? Object(string name) => Element(name) is { } value ? new JsonFields(value, PathOf(name)) : null;

    /// <exception cref="ApiException">There is a field that nobody has asked for.</exception>
    public void RefuseOthers()
    {
        if (_fields.Keys.FirstOrDefault(name => !_known.Contains(name)) is { } unknown)
            throw ApiException.Invalid($"Unrecognized request argument supplied: {PathOf(unknown)}", PathOf(unknown), "unknown_parameter");
    }

    public static string TextOf(JsonElement value, string path) =>
        value.ValueKind == JsonValueKind.String ? TextOf(() => value.GetString()!, path) : throw WrongType(path, "a string", value);

    public static ApiException Missing(string path) => ApiException.Invalid($"Missing required parameter: '{path}'.", path, "missing_required_parameter");

    public static ApiException WrongType(string path, string expected, JsonElement found) =>
        ApiException.Invalid($"Invalid type for '{path}': expected {expected}, but got {Kind(found)} instead.", path, "invalid_type");

    private void CheckRange<T>(string name, T value, T least, T most)
        where T : IComparable<T>, IFormattable
    {
        if (value.CompareTo(least) < 0) throw OutOfRange("below the minimum of", least);
        if (value.CompareTo(most) > 0) throw OutOfRange("above the maximum of", most);

        ApiException OutOfRange(string what, T bound) =>
            ApiException.Invalid(string.Create(CultureInfo.InvariantCulture, $"Invalid '{PathOf(name)}': {value} is {what} {bound}."), PathOf(name));
    }

    // Bytes that are not UTF-8 and lone halves of surrogate pairs.
    private static string TextOf(Func<string> read, string? path)
    {
        try
        {
            return read();
        }
        catch (InvalidOperationException failure)
        {
            throw new ApiException(400, $"A string{(path is null ? "" : $" in '{path}'")} is not valid Unicode.", path, "invalid_unicode", failure);
        }
    }

    private static string Kind(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => "a number",
        JsonValueKind.Null => "null",
        _ => "a boolean",
    };
}
