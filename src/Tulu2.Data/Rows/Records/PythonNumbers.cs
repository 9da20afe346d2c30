using System.Buffers;

namespace Tulu2.Data.Rows.Records;

/// <summary>
/// Numbers that Python's <c>json</c> writes but JSON does not have: <c>NaN</c>, which pandas writes for a missing value, and <c>Infinity</c>.
/// </summary>
internal static class PythonNumbers
{
    private static readonly SearchValues<byte> Begins = SearchValues.Create("\"NI"u8);

    /// <summary>The text with <c>null</c> for NaN and an overflowing number for Infinity; null if it has neither.</summary>
    public static byte[]? Replace(ReadOnlySpan<byte> json)
    {
        ArrayBufferWriter<byte>? written = null;
        var kept = 0;
        for (var at = 0; json[at..].IndexOfAny(Begins) is var next and >= 0;)
        {
            at += next;
            if (json[at] == '"')
            {
                at = EndOfText(json, at + 1);
                continue;
            }
            var name = json[at] == 'N' ? "NaN"u8 : "Infinity"u8;
            if (!json[at..].StartsWith(name))
            {
                at++;
                continue;
            }
            written ??= new ArrayBufferWriter<byte>(json.Length + 16);
            written.Write(json[kept..at]);
            written.Write(json[at] == 'N' ? "null"u8 : "1e999"u8);
            kept = at += name.Length;
        }
        if (written is null) return null;
        written.Write(json[kept..]);
        return written.WrittenSpan.ToArray();
    }

    private static int EndOfText(ReadOnlySpan<byte> json, int at)
    {
        while (json[at..].IndexOfAny((byte)'"', (byte)'\\') is var next and >= 0)
        {
            at += next;
            if (json[at] == '"') return at + 1;
            at = Math.Min(at + 2, json.Length);
        }
        return json.Length;
    }
}
