using System.Text.Json;
using Apache.Arrow;
using Apache.Arrow.Types;
using ParquetSharp;
using ParquetSharp.Arrow;
using ParquetSharp.IO;

namespace Tulu2.Mixtures.Output;

/// <summary>
/// Parquet with the columns of the released data set: <c>dataset</c>, <c>id</c> and <c>messages</c>, a list of role and content. Packed by Zstandard.
/// </summary>
internal sealed class ParquetShard : IShardFormat
{
    private const int GroupRows = 4096;

    private static readonly StructType Turn = new([new Field("role", StringType.Default, false), new Field("content", StringType.Default, false)]);
    private static readonly ListType Turns = new(new Field("element", Turn, false));

    private static readonly Schema Columns = new(
        [new Field("dataset", StringType.Default, false), new Field("id", StringType.Default, false), new Field("messages", Turns, false)], null);

    public string Ending => ".parquet";

    public void Write(Stream stream, int count, Func<int, byte[]> line, int threads, Action<int> written)
    {
        using var properties = new WriterPropertiesBuilder().Compression(Compression.Zstd).Build();
        using var output = new ManagedOutputStream(stream, leaveOpen: true);
        using var writer = new FileWriter(output, Columns, properties);
        for (var begin = 0; begin < count; begin += GroupRows)
        {
            var rows = Math.Min(GroupRows, count - begin);
            using var batch = Batch(Enumerable.Range(begin, rows).Select(line), rows);
            writer.WriteRecordBatch(batch, GroupRows);
            written(begin + rows);
        }
        writer.Close();
    }

    private static RecordBatch Batch(IEnumerable<byte[]> lines, int rows)
    {
        StringArray.Builder datasets = new(), ids = new(), roles = new(), contents = new();
        var offsets = new ArrowBuffer.Builder<int>().Append(0);
        var turns = 0;
        foreach (var line in lines)
        {
            using var row = JsonDocument.Parse(line);
            datasets.Append(row.RootElement.GetProperty("dataset").GetString());
            ids.Append(row.RootElement.GetProperty("id").GetString());
            foreach (var turn in row.RootElement.GetProperty("messages").EnumerateArray())
            {
                roles.Append(turn.GetProperty("role").GetString());
                contents.Append(turn.GetProperty("content").GetString());
                turns++;
            }
            offsets.Append(turns);
        }
        var items = new StructArray(Turn, turns, [roles.Build(), contents.Build()], ArrowBuffer.Empty, 0);
        return new RecordBatch(Columns, [datasets.Build(), ids.Build(), new ListArray(Turns, rows, offsets.Build(), items, ArrowBuffer.Empty, 0)], rows);
    }
}
