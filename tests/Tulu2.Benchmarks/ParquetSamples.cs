using Apache.Arrow;
using Apache.Arrow.Types;
using ParquetSharp;
using FileWriter = ParquetSharp.Arrow.FileWriter;

namespace Tulu2.Benchmarks;

/// <summary>Parquet files of instruction rows, in the forms that other tools write.</summary>
internal static class ParquetSamples
{
    private static readonly StructType Turn = new([new Field("role", StringType.Default, true), new Field("content", StringType.Default, true)]);

    /// <summary>A column of dialogues; a content that is null is a null in the file.</summary>
    public static (Field Field, IArrowArray Array) Messages(IReadOnlyList<IReadOnlyList<(string Role, string? Content)>> rows)
    {
        StringArray.Builder roles = new(), contents = new();
        var offsets = new ArrowBuffer.Builder<int>().Append(0);
        var count = 0;
        foreach (var row in rows)
        {
            foreach (var (role, content) in row)
            {
                roles.Append(role);
                if (content is null) contents.AppendNull();
                else contents.Append(content);
            }
            offsets.Append(count += row.Count);
        }
        var turns = new StructArray(Turn, count, [roles.Build(), contents.Build()], ArrowBuffer.Empty, 0);
        var type = new ListType(new Field("element", Turn, true));
        return (new Field("messages", type, true), new ListArray(type, rows.Count, offsets.Build(), turns, ArrowBuffer.Empty, 0));
    }

    public static (Field Field, IArrowArray Array) Texts(string name, IEnumerable<string> texts) =>
        (new Field(name, StringType.Default, true), new StringArray.Builder().AppendRange(texts).Build());

    public static (Field Field, IArrowArray Array) Numbers(string name, IEnumerable<double> numbers) =>
        (new Field(name, DoubleType.Default, true), new DoubleArray.Builder().AppendRange(numbers).Build());

    /// <summary>One entry a row.</summary>
    public static (Field Field, IArrowArray Array) Maps(string name, int rows)
    {
        var type = new MapType(StringType.Default, Int32Type.Default);
        var builder = new MapArray.Builder(type);
        for (var row = 0; row < rows; row++)
        {
            builder.Append();
            ((StringArray.Builder)builder.KeyBuilder).Append("key");
            ((Int32Array.Builder)builder.ValueBuilder).Append(row);
        }
        return (new Field(name, type, true), builder.Build());
    }

    public static byte[] Write(IReadOnlyList<(Field Field, IArrowArray Array)> columns, ParquetDataPageVersion pages = ParquetDataPageVersion.V1,
        Encoding? encoding = null, Compression compression = Compression.Snappy, int groupRows = 1 << 20, bool checksums = false)
    {
        var builder = new WriterPropertiesBuilder().DataPageVersion(pages).Compression(compression);
        if (encoding is { } one)
        {
            builder = builder.DisableDictionary();
            foreach (var path in columns.Where(column => column.Array is StringArray).Select(column => column.Field.Name)
                .Concat(columns.Any(column => column.Field.Name == "messages") ? ["messages.list.element.role", "messages.list.element.content"] : []))
                builder = builder.Encoding(path, one);
        }
        if (checksums) builder = builder.EnablePageChecksum();
        using var properties = builder.Build();
        var file = Path.Combine(Path.GetTempPath(), $"tulu2-sample-{Guid.NewGuid():N}.parquet");
        try
        {
            var rows = columns[0].Array.Length;
            // Not disposed: the columns are the caller's, who may write them again.
            var batch = new RecordBatch(new Schema(columns.Select(column => column.Field), null), columns.Select(column => column.Array), rows);
            using (var writer = new FileWriter(file, batch.Schema, properties))
            {
                writer.WriteRecordBatch(batch, groupRows);
                writer.Close();
            }
            return File.ReadAllBytes(file);
        }
        finally
        {
            File.Delete(file);
        }
    }
}
