using System.Text.Json;
using Tulu2.Files;
using Tulu2.Files.Recognition;

namespace Tulu2.Data.Rows;

/// <summary>
/// One record of a file before it is known to be a row; the element is valid only until the next one is asked for. Or what is wrong at this place: with one record
/// (<paramref name="Damage"/> false), or with the file from here on, of which it is then the last.
/// </summary>
internal readonly record struct SourceRecord(long Line, JsonElement Element, string? Fault, bool Damage = false)
{
    public static SourceRecord Bad(long line, string fault) => new(line, default, fault);

    /// <param name="whole">Records that stand before the damage.</param>
    public static SourceRecord Damaged(long line, string damage, long whole) => new(line, default,
        $"{damage}; {(whole == 1 ? "1 whole row stands" : $"{whole:N0} whole rows stand")} before", Damage: true);
}

/// <summary>Opens a file of rows whatever its form.</summary>
internal static class RecordSource
{
    private enum Form { Lines, Array, Parquet }

    public static IEnumerable<SourceRecord> Open(string path) => Open(SourceFile.Examine(path));

    public static IEnumerable<SourceRecord> Open(SourceFile file)
    {
        var form = Sniff(file);
        // A wrong byte can also make compressed data run on over its end, which then looks like data that breaks off; but what comes out behind it is hardly JSON.
        if (file.Verified < file.Trusted && form != Form.Parquet && !JsonRecords.IsAllJson(file, form == Form.Array))
            file = file with { Trusted = file.Verified, Damage = $"{file.Damage}, and what its last member holds is not all JSON, so that none of it is trusted" };
        return form switch
        {
            Form.Parquet => ParquetRecords.Read(file),
            Form.Array => JsonRecords.ReadArray(file),
            _ => JsonRecords.ReadLines(file),
        };
    }

    private static Form Sniff(SourceFile file)
    {
        var head = new byte[4096];
        using var stream = file.Open();
        var start = head.AsSpan(0, stream.ReadAtLeast(head, head.Length, throwOnEndOfStream: false));
        if (file.Zipped && !start.IsEmpty && ForeignContent.Of(start, long.MaxValue, FileUse.Rows) is var (what, fix))
            throw new BadInputException(file.Path, $"unpacked, it {what}", fix);
        if (start.StartsWith("PAR1"u8)) return Form.Parquet;
        if (start.StartsWith("\uFEFF"u8)) start = start[3..];
        start = start.TrimStart(" \t\r\n"u8);
        return start.StartsWith("["u8) ? Form.Array : Form.Lines;
    }
}
