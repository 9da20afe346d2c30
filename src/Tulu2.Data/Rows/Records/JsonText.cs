using System.Text;
using System.Text.Json;

namespace Tulu2.Data.Rows.Records;

/// <summary>Parsing the JSON text of one record.</summary>
internal static class JsonText
{
    // The keys of a row lie near the top; other keys of the record may be nested deeper.
    private const int MostDepth = 512;
    private const int Shown = 24;

    private static readonly JsonDocumentOptions Options = new() { MaxDepth = MostDepth };

    /// <summary>The document, or the reason why it cannot be parsed.</summary>
    public static (JsonDocument? Document, string? Fault) Parse(ReadOnlyMemory<byte> row)
    {
        try
        {
            return (JsonDocument.Parse(row, Options), null);
        }
        catch (JsonException failure)
        {
            if (PythonNumbers.Replace(row.Span) is { } replaced) return Parse(replaced);
            return (null, Describe(row.Span, failure));
        }
    }

    /// <summary>Whether the text is the beginning of a JSON value without its end, as at the end of a file that was not completely written.</summary>
    public static bool IsCut(ReadOnlySpan<byte> row)
    {
        // The unwritten end of a file can also be zero bytes.
        if (row.TrimEnd((byte)0).Length < row.Length) return true;
        var reader = new Utf8JsonReader(row, isFinalBlock: false, new JsonReaderState(new JsonReaderOptions { MaxDepth = MostDepth }));
        try
        {
            if (!JsonDocument.TryParseValue(ref reader, out var whole)) return true;
            whole.Dispose();
            return false;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static string Describe(ReadOnlySpan<byte> row, JsonException failure)
    {
        // A JSON Lines record is one line; an array's element may span several.
        var at = 0;
        for (var line = failure.LineNumber ?? 0; line > 0; line--) at += row[at..].IndexOf((byte)'\n') + 1;
        at = (int)Math.Clamp(at + (failure.BytePositionInLine ?? 0), 0, row.Length);
        var rest = row[at..].TrimEnd(" \t\r\n"u8);
        if (rest.IsEmpty) return "broken JSON (it is not whole)";
        var text = new StringBuilder(Shown);
        foreach (var one in rest[..Math.Min(Shown, rest.Length)]) text.Append(one is >= 0x20 and < 0x7f ? (char)one : '?');
        return $"broken JSON (at byte {at + 1:N0}, from here on: {text}{(rest.Length > Shown ? " ..." : "")})";
    }
}
