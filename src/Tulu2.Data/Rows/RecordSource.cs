using System.Text.Json;
using Tulu2.Files;
using Tulu2.Files.Recognition;

namespace Tulu2.Data.Rows;

/// <summary>One record of a file before it is known to be a row. The element is valid only until the next one is asked for.</summary>
internal readonly record struct SourceRecord(long Line, JsonElement Element, string? Fault);

/// <summary>Opens a file of rows whatever its form.</summary>
internal static class RecordSource
{
    private enum Form { Lines, Array, Parquet }

    public static IEnumerable<SourceRecord> Open(string path)
    {
        var zipped = IsGzip(Existing(path));
        return Sniff(path, zipped) switch
        {
            Form.Parquet => ParquetRecords.Read(path, zipped),
            Form.Array => JsonRecords.ReadArray(path, zipped),
            _ => JsonRecords.ReadLines(path, zipped),
        };
    }

    /// <summary>The path, if a file of no known foreign kind is there.</summary>
    public static string Existing(string path)
    {
        ForeignContent.Refuse(path, FileUse.Rows);
        return path;
    }

    /// <summary>The file's bytes, unpacked where they are gzip.</summary>
    public static Stream OpenStream(string path, bool zipped)
    {
        try
        {
            var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16, FileOptions.SequentialScan);
            return zipped ? new CheckedGzipStream(file) : file;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new BadInputException(path, $"cannot be read ({failure.Message})", "check its permissions", failure);
        }
    }

    private static bool IsGzip(string path)
    {
        using var stream = OpenStream(path, zipped: false);
        Span<byte> head = stackalloc byte[2];
        return stream.ReadAtLeast(head, 2, throwOnEndOfStream: false) == 2 && head is [0x1f, 0x8b];
    }

    private static Form Sniff(string path, bool zipped)
    {
        var head = new byte[4096];
        var count = 0;
        try
        {
            using var stream = OpenStream(path, zipped);
            count = stream.ReadAtLeast(head, head.Length, throwOnEndOfStream: false);
        }
        catch (Exception failure) when (failure is InvalidDataException or EndOfStreamException)
        {
            // Damaged from the very start: the line reader says so, with its place.
        }
        var start = head.AsSpan(0, count);
        if (start.StartsWith("PAR1"u8)) return Form.Parquet;
        if (start.StartsWith("\uFEFF"u8)) start = start[3..];
        start = start.TrimStart(" \t\r\n"u8);
        return start.StartsWith("["u8) ? Form.Array : Form.Lines;
    }
}
