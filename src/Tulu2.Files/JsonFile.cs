using System.Text.Json;
using System.Text.Json.Nodes;

namespace Tulu2.Files;

/// <summary>Small JSON files that belong to a model or a run.</summary>
public static class JsonFile
{
    private const string Restore = "copy or download the file again";

    /// <summary>Parses bytes, which may begin with a byte order mark.</summary>
    /// <exception cref="BadInputException">It is not JSON; the line is named.</exception>
    public static JsonDocument Parse(string path, byte[] bytes)
    {
        try
        {
            ReadOnlySpan<byte> mark = [0xEF, 0xBB, 0xBF];
            return JsonDocument.Parse(bytes.AsMemory(bytes.AsSpan().StartsWith(mark) ? mark.Length : 0));
        }
        catch (JsonException failure)
        {
            throw new BadInputException($"{path}:{failure.LineNumber + 1}", "is not whole JSON", Restore, failure);
        }
    }

    /// <summary>The one object that a file holds.</summary>
    /// <exception cref="BadInputException">The file is missing, foreign, not JSON, not an object, or has a key twice.</exception>
    public static JsonObject ReadObject(string path)
    {
        using var document = OpenObject(path);
        return JsonObject.Create(document.RootElement.Clone())!;
    }

    /// <summary>As <see cref="ReadObject"/>, as a read-only document.</summary>
    public static JsonDocument OpenObject(string path)
    {
        ForeignContent.Refuse(path, FileUse.Json);
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new BadInputException(path, "cannot be read", "check the file and its permissions", failure);
        }
        var document = Parse(path, bytes);
        string? fault = null;
        if (document.RootElement.ValueKind != JsonValueKind.Object) fault = "is not a JSON object";
        else if (Twice(document.RootElement) is { } key) fault = $"has the key {key} twice";
        if (fault is null) return document;
        document.Dispose();
        throw new BadInputException(path, fault, Restore);
    }

    private static string? Twice(JsonElement element)
    {
        if (element.ValueKind == JsonValueKind.Array) return element.EnumerateArray().Select(Twice).FirstOrDefault(found => found is not null);
        if (element.ValueKind != JsonValueKind.Object) return null;
        var seen = new HashSet<string>();
        foreach (var property in element.EnumerateObject())
            if (!seen.Add(property.Name)) return property.Name;
            else if (Twice(property.Value) is { } inner) return inner;
        return null;
    }
}
