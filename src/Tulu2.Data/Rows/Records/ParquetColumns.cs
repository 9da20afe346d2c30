using Apache.Arrow;
using Apache.Arrow.Ipc;
using ParquetSharp;
using ParquetSharp.Arrow;
using Tulu2.Files;

namespace Tulu2.Data.Rows.Records;

/// <summary>A Parquet file and its columns that a row can be made of. Page checksums are verified where there are any.</summary>
internal sealed class ParquetColumns : IDisposable
{
    private readonly FileReader reader;
    private readonly FileMetaData metadata;
    private readonly int[] columns;

    private ParquetColumns(FileReader reader, FileMetaData metadata, int[] columns) => (this.reader, this.metadata, this.columns) = (reader, metadata, columns);

    public int Groups => reader.NumRowGroups;

    /// <param name="file">The file that the user named.</param>
    /// <param name="plain">Path of the same file, unpacked.</param>
    /// <exception cref="BadInputException">It is not a Parquet file, or has none of the wanted columns.</exception>
    public static ParquetColumns Open(RecordFile file, string plain, RecordColumns wanted)
    {
        FileReader? reader = null;
        try
        {
            using var properties = ReaderProperties.GetDefaultReaderProperties();
            properties.EnablePageChecksumVerification();
            using var arrow = ArrowReaderProperties.GetDefault();
            // The cores belong to the ranks and the tokenising threads.
            arrow.UseThreads = false;
            arrow.PreBuffer = false;
            reader = new FileReader(plain, properties, arrow);
            var metadata = reader.ParquetReader.FileMetaData;
            var names = Enumerable.Range(0, metadata.NumColumns).Select(column => TopName(metadata, column)).ToList();
            var columns = Enumerable.Range(0, names.Count).Where(column => wanted.Names.Contains(names[column])).ToArray();
            if (columns.Length == 0)
                throw new BadInputException(file.Path, $"has no column of a row; its columns are {string.Join(", ", names.Distinct().Take(20))}", wanted.Fix);
            return new ParquetColumns(reader, metadata, columns);
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            reader?.Dispose();
            if (failure is BadInputException) throw;
            throw new BadInputException(file.Path, file.Damage ?? (EndsLikeParquet(plain)
                    ? "begins and ends like a Parquet file but cannot be read as one: what it says about its columns is damaged"
                    : "begins like a Parquet file but is cut off, or something follows its end"),
                "fetch or write the file again: no row can be kept of a Parquet file with this damage", failure);
        }
    }

    /// <summary>The batches of a row group; null if not even its beginning can be read.</summary>
    public IArrowArrayStream? Read(int group)
    {
        try
        {
            return reader.GetRecordBatchReader([group], columns);
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            return null;
        }
    }

    /// <summary>Which of the columns that are read are JSON.</summary>
    public IReadOnlyList<TextForm> Forms(Schema schema) => TextForm.Of(schema, columns.Select(IsJson));

    /// <summary>Number of rows, by the file's metadata, in all groups up to and including this one.</summary>
    public long RowsUpTo(int group)
    {
        long rows = 0;
        for (var one = 0; one <= group; one++)
        {
            using var read = reader.ParquetReader.RowGroup(one);
            rows += read.MetaData.NumRows;
        }
        return rows;
    }

    /// <summary>Why a group cannot be read: names the first unreadable column.</summary>
    public string Describe(int group)
    {
        foreach (var column in columns)
        {
            try
            {
                using var alone = reader.GetRecordBatchReader([group], [column]);
                while (alone.ReadNextRecordBatchAsync().AsTask().GetAwaiter().GetResult() is { } batch) batch.Dispose();
            }
            catch (Exception failure) when (failure is not OutOfMemoryException)
            {
                return $"column {Name(metadata, column)} of row group {group} cannot be read{Form(group, column)}";
            }
        }
        return $"row group {group} cannot be read";
    }

    public void Dispose()
    {
        metadata.Dispose();
        reader.Dispose();
    }

    private string Form(int group, int column)
    {
        try
        {
            using var read = reader.ParquetReader.RowGroup(group);
            using var chunk = read.MetaData.GetColumnChunkMetaData(column);
            var encodings = string.Join(", ", chunk.Encodings.Distinct());
            return $": it is damaged, or packed in a way that is not known (compression {chunk.Compression}, encodings {encodings})";
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            return ": it is damaged";
        }
    }

    private bool IsJson(int column)
    {
        using var type = metadata.Schema.Column(column).LogicalType;
        return type.Type == LogicalTypeEnum.Json;
    }

    private static string TopName(FileMetaData metadata, int column) => metadata.Schema.Column(column).Path.ToDotVector()[0];

    private static string Name(FileMetaData metadata, int column) => metadata.Schema.Column(column).Path.ToDotString();

    private static bool EndsLikeParquet(string path)
    {
        using var stream = RecordFile.OpenBytes(path);
        Span<byte> end = stackalloc byte[4];
        stream.Seek(-Math.Min(stream.Length, end.Length), SeekOrigin.End);
        return stream.ReadAtLeast(end, end.Length, throwOnEndOfStream: false) == end.Length && stream.Length > 8 && end.SequenceEqual("PAR1"u8);
    }
}
