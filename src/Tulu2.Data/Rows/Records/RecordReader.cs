using System.Text.Json;
using Tulu2.Files;

namespace Tulu2.Data.Rows.Records;

/// <summary>
/// One record of a file, not yet converted to a row; its element is valid only until the next record is read. Or a fault: of this one record, or (<paramref
/// name="Damage"/>)
/// of the file from here on, in which case nothing follows.
/// </summary>
internal readonly record struct RawRecord(long Line, JsonElement Element, string? Fault, bool Damage = false)
{
    /// <summary>The record's own bytes, as valid as its element; empty for records of Parquet files.</summary>
    public ReadOnlyMemory<byte> Text { get; init; }

    public static RawRecord Bad(long line, string fault) => new(line, default, fault);

    /// <param name="whole">Number of records before the damage.</param>
    public static RawRecord Damaged(long line, string damage, long whole) => new(line, default,
        $"{damage}; {(whole == 1 ? "1 whole row comes" : $"{whole:N0} whole rows come")} before it", Damage: true);
}

/// <summary>The columns of a table that a row can be made of; others are not read.</summary>
/// <param name="Fix">What to do about a table that has none of them.</param>
internal sealed record RecordColumns(IReadOnlyList<string> Names, string Fix);

/// <summary>Opens a file of records in any of the known formats.</summary>
internal static class RecordReader
{
    private enum Form { Lines, Array, Parquet }

    public static IEnumerable<RawRecord> Open(string path, RecordColumns columns) => Open(RecordFile.Examine(path), columns);

    public static IEnumerable<RawRecord> Open(RecordFile file, RecordColumns columns)
    {
        var form = Sniff(file);
        // A wrong byte can make compressed data run past its end, which looks like a file that was cut off. But then the bytes after it are hardly ever JSON.
        if (file.Verified < file.Trusted && form != Form.Parquet && !JsonRecords.IsAllJson(file, form == Form.Array))
            file = file with
            {
                Trusted = file.Verified,
                Damage = $"{file.Damage}, and what its last member holds is not all JSON, so that none of it is trusted",
            };
        return form switch
        {
            Form.Parquet => ParquetRecords.Read(file, columns),
            Form.Array => JsonRecords.ReadArray(file),
            _ => JsonRecords.ReadLines(file),
        };
    }

    public static bool IsParquet(RecordFile file) => Sniff(file) == Form.Parquet;

    private static Form Sniff(RecordFile file)
    {
        var head = new byte[4096];
        using var stream = file.Open();
        var start = head.AsSpan(0, stream.ReadAtLeast(head, head.Length, throwOnEndOfStream: false));
        if (file.IsPacked && !start.IsEmpty && ForeignContent.Of(start, long.MaxValue, FileUse.Rows) is var (what, fix))
            throw new BadInputException(file.Path, $"unpacked, it {what}", fix);
        if (start.StartsWith("PAR1"u8)) return Form.Parquet;
        if (start.StartsWith("\uFEFF"u8)) start = start[3..];
        start = start.TrimStart(" \t\r\n"u8);
        return start.StartsWith("["u8) ? Form.Array : Form.Lines;
    }
}
