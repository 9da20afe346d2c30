using System.Text.Json;
using Parquet;
using Parquet.Serialization;
using Tulu2.Files;

namespace Tulu2.Data.Rows;

/// <summary>Records of Parquet files, one row group in memory at a time. Rows are numbered from 1 over the whole file.</summary>
internal static class ParquetRecords
{
    private static readonly JsonSerializerOptions Plain = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static IEnumerable<SourceRecord> Read(string path, bool zipped)
    {
        using var stream = OpenSeekable(path, zipped);
        var groups = CountGroups(path, stream);
        long number = 0;
        for (var group = 0; group < groups; group++)
        {
            var (rows, fault) = ReadGroup(stream, group);
            if (rows is null)
            {
                yield return new SourceRecord(number + 1, default, $"row group {group} cannot be read ({fault}); what follows is not read");
                yield break;
            }
            foreach (var row in rows)
            {
                number++;
                // Through JSON, so that every form of file meets the same checks.
                yield return new SourceRecord(number, JsonSerializer.SerializeToElement(row, Plain), null);
            }
        }
    }

    private static int CountGroups(string path, Stream stream)
    {
        try
        {
            var reader = ParquetReader.CreateAsync(stream, leaveStreamOpen: true).GetAwaiter().GetResult();
            var groups = reader.RowGroupCount;
            reader.DisposeAsync().AsTask().GetAwaiter().GetResult();
            return groups;
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            throw new BadInputException(path, $"begins like a Parquet file but cannot be read as one ({failure.Message})",
                "fetch or write the file again; it may be cut short", failure);
        }
    }

    private static (IEnumerable<IDictionary<string, object?>>? Rows, string? Fault) ReadGroup(Stream stream, int group)
    {
        try
        {
            stream.Position = 0;
            var result = ParquetSerializer.DeserializeUntypedAsync(stream, rowGroupIndex: group).GetAwaiter().GetResult();
            return (result.Data.Select(row => (IDictionary<string, object?>)row!).ToList(), null);
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            return (null, failure.Message);
        }
    }

    private static Stream OpenSeekable(string path, bool zipped)
    {
        var stream = RecordSource.OpenStream(path, zipped);
        if (!zipped) return stream;
        // Parquet is read from its end: an outer gzip has to be unpacked first.
        var unpacked = new FileStream(Path.Combine(Path.GetTempPath(), $"tulu2-{Guid.NewGuid():N}.parquet"), FileMode.CreateNew,
            FileAccess.ReadWrite, FileShare.None, 1 << 16, FileOptions.DeleteOnClose);
        try
        {
            using (stream) stream.CopyTo(unpacked);
            unpacked.Position = 0;
            return unpacked;
        }
        catch (Exception failure) when (failure is InvalidDataException or EndOfStreamException)
        {
            unpacked.Dispose();
            throw new BadInputException(path, "the gzip data is damaged or breaks off", "fetch or write the file again", failure);
        }
    }
}
