using Apache.Arrow;
using ParquetSharp.Arrow;
using Tulu2.Benchmarks;
using Tulu2.Mixtures.Decontamination;
using Tulu2.Tests.Data;
using Xunit;

namespace Tulu2.Tests.Mixtures;

public sealed class ParquetCopyTests : IDisposable
{
    private const int Rows = 25;
    private const string Question = "A farmer has seventeen sheep and buys nine more of them at the market on Monday";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("rows.parquet", "kept", "kept/rows.parquet", 3, 4, 11, 24)]
    [InlineData("rows.parquet", "kept.parquet", "kept.parquet", 0, 1, 2, 3, 4, 5, 6, 7, 8, 9)]
    [InlineData("rows.parquet.gz", "kept", "kept/rows.parquet")]
    [InlineData("rows.parquet", "kept", "kept/rows.parquet", 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24)]
    public void All_columns_of_the_kept_rows_are_copied(string name, string to, string file, params int[] touched)
    {
        var dialogues = Enumerable.Range(0, Rows).Select(row => new (string, string?)[]
        {
            ("user", touched.Contains(row) ? Question : $"ä{row}"), ("assistant", new string('b', row % 3 + 1)),
        });
        var bytes = ParquetSamples.Write(
        [
            ParquetSamples.Numbers("score", Enumerable.Range(0, Rows).Select(row => row == 5 ? double.NaN : row / 3.0)), ParquetSamples.Messages([.. dialogues]),
            ParquetSamples.Maps("tags", Rows), ParquetSamples.Texts("note", Enumerable.Range(0, Rows).Select(row => $"note {row}")),
        ], groupRows: 10);
        var path = _folder.WriteBytes(name, name.EndsWith(".gz", StringComparison.Ordinal) ? TemporaryFolder.Gzip(bytes) : bytes);
        var items = _folder.Write("own.jsonl", $$"""{"prompt":"{{Question}}","completion":"26"}""" + "\n");
        var result = new Decontaminator(new DecontaminationRequest([path], [$"file:{items}"], null) { To = _folder.File(to) }).Run(CancellationToken.None);
        Assert.Equal((Rows, touched.Length, Rows - touched.Length), (result.Read, result.Removed, result.Kept));
        var expected = Read(_folder.WriteBytes("plain.parquet", bytes)).Where((_, row) => !touched.Contains(row));
        Assert.Equal(expected, Read(_folder.File(file)));
    }

    // Each row as text, with every column's type.
    private static List<string> Read(string path)
    {
        var rows = new List<string>();
        using var reader = new FileReader(path);
        using var batches = reader.GetRecordBatchReader();
        while (batches.ReadNextRecordBatchAsync().AsTask().GetAwaiter().GetResult() is { } batch)
            using (batch)
                for (var row = 0; row < batch.Length; row++)
                    rows.Add(string.Join("; ", batch.Schema.FieldsList.Select((field, column) => $"{field.Name} {field.DataType.Name} {Value(batch.Column(column), row)}")));
        return rows;
    }

    private static string Value(IArrowArray array, int row) => array switch
    {
        StringArray texts => texts.GetString(row),
        DoubleArray numbers => $"{numbers.GetValue(row)}",
        Int32Array numbers => $"{numbers.GetValue(row)}",
        StructArray parts => string.Join(',', parts.Fields.Select(field => Value(field, row))),
        ListArray lists => string.Join('|', Enumerable.Range(0, lists.GetSlicedValues(row).Length).Select(item => Value(lists.GetSlicedValues(row), item))),
        _ => throw new NotSupportedException($"{array.Data.DataType}"),
    };
}
