using System.Text.Json;
using Tulu2.Files;

namespace Tulu2.Data.Rows.Records;

/// <summary>
/// One record of a file before it is known to be a row; the element is valid only until the next one is asked for. Or what is wrong at this place: with one record
/// (<paramref name="Damage"/> false), or with the file from here on, of which it is then the last.
/// </summary>
internal readonly record struct RawRecord(long Line, JsonElement Element, string? Fault, bool Damage = false)
{
    public static RawRecord Bad(long line, string fault) => new(line, default, fault);

    /// <param name="whole">Records that stand before the damage.</param>
    public static RawRecord Damaged(long line, string damage, long whole) => new(line, default,
        $"{damage}; {(whole == 1 ? "1 whole row stands" : $"{whole:N0} whole rows stand")} before", Damage: true);
}

/// <summary>The columns of a table that a row can be made of; others are not read.</summary>
/// <param name="Fix">What to do about a table that has none of them.</param>
internal sealed record RecordColumns(IReadOnlyList<string> Names, string Fix);

/// <summary>Opens a file of rows whatever its form.</summary>
internal static class RecordReader
{
    private enum Form { Lines, Array, Parquet }

    public static IEnumerable<RawRecord> Open(string path, RecordColumns columns) => Open(RecordFile.Examine(path), columns);

    public static IEnumerable<RawRecord> Open(RecordFile file, RecordColumns columns)
    {
        var form = Sniff(file);
        // A wrong byte can also make compressed data run on over its end, which then looks like data that breaks off; but what comes out behind it is hardly JSON.
        if (file.Verified < file.Trusted && form != Form.Parquet && !JsonRecords.IsAllJson(file, form == Form.Array))
            file = file with { Trusted = file.Verified, Damage = $"{file.Damage}, and what its last member holds is not all JSON, so that none of it is trusted" };
        return form switch
        {
            Form.Parquet => ParquetRecords.Read(file, columns),
            Form.Array => JsonRecords.ReadArray(file),
            _ => JsonRecords.ReadLines(file),
        };
    }

    private static Form Sniff(RecordFile file)
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
