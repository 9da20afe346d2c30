using System.Text.Json;
using Tulu2.Data.Rows.Records;
using Tulu2.Files;

namespace Tulu2.Evaluation.TaskData;

/// <summary>Reads files of benchmarks and of other evaluation programs: JSON Lines or one JSON array of objects, plain, gzip or Zstandard, with Python's NaN.</summary>
internal static class JsonItems
{
    /// <summary>The file of that name in a folder, or the same with <c>.gz</c> behind it; null: there is none.</summary>
    public static string? Find(string folder, params IEnumerable<string> names) =>
        names.SelectMany(name => new[] { Path.Combine(folder, name), Path.Combine(folder, name + ".gz") }).FirstOrDefault(File.Exists);

    /// <returns>At least one object.</returns>
    /// <exception cref="BadInputException">The file cannot be read, is damaged, has something that is not an object, or has none.</exception>
    public static IReadOnlyList<JsonItem> Read(string path)
    {
        var bytes = Bytes(path);
        var content = bytes.AsSpan().StartsWith("\uFEFF"u8) ? bytes.AsMemory(3) : bytes;
        var items = content.Span.TrimStart(" \t\r\n"u8).StartsWith("["u8) ? Array(path, content.Span) : Lines(path, content);
        return items.Count > 0 ? items : throw new BadInputException(path, "has no object in it", "give a file of JSON objects");
    }

    private static byte[] Bytes(string path)
    {
        var file = RecordFile.Examine(path);
        if (file.Damage is { } damage) throw new BadInputException(path, damage, "copy or fetch the file again");
        using var stream = file.Open();
        using var memory = new MemoryStream();
        stream.CopyTo(memory);
        return PythonNumbers.Replace(memory.GetBuffer().AsSpan(0, (int)memory.Length)) ?? memory.ToArray();
    }

    private static List<JsonItem> Lines(string path, ReadOnlyMemory<byte> content)
    {
        var items = new List<JsonItem>();
        var line = 0;
        while (!content.IsEmpty)
        {
            line++;
            var end = content.Span.IndexOf((byte)'\n');
            var text = end < 0 ? content : content[..end];
            content = end < 0 ? default : content[(end + 1)..];
            if (text.Span.Trim(" \t\r"u8).IsEmpty) continue;
            try
            {
                using var document = JsonDocument.Parse(text);
                items.Add(Item(path, line, document.RootElement.Clone()));
            }
            catch (JsonException fault)
            {
                throw NotJson(path, line, fault);
            }
        }
        return items;
    }

    private static List<JsonItem> Array(string path, ReadOnlySpan<byte> content)
    {
        var items = new List<JsonItem>();
        var reader = new Utf8JsonReader(content);
        try
        {
            reader.Read();
            int line = 1, counted = 0;
            while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
            {
                var start = (int)reader.TokenStartIndex;
                line += content[counted..start].Count((byte)'\n');
                counted = start;
                items.Add(Item(path, line, JsonElement.ParseValue(ref reader)));
            }
            if (reader.TokenType != JsonTokenType.EndArray || reader.Read()) throw new JsonException("not whole", null, line - 1, null);
        }
        catch (JsonException fault)
        {
            throw NotJson(path, (int)(fault.LineNumber ?? 0) + 1, fault);
        }
        return items;
    }

    private static JsonItem Item(string path, int line, JsonElement element) => element.ValueKind == JsonValueKind.Object
        ? new JsonItem(path, line, element)
        : throw new BadInputException($"{path}:{line}", "is not a JSON object", "correct or remove it");

    private static BadInputException NotJson(string path, int line, JsonException fault) =>
        new($"{path}:{line}", "is not whole JSON", "correct it, or write the file again", fault);
}
