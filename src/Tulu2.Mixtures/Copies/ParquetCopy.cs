using Apache.Arrow;
using ParquetSharp;
using ParquetSharp.Arrow;
using ParquetSharp.IO;
using Tulu2.Data.Rows.Reading;
using Tulu2.Data.Rows.Records;
using Tulu2.Files;

namespace Tulu2.Mixtures.Copies;

/// <summary>Parquet: all columns of one file, with their types, in the same row groups. Packed by Zstandard.</summary>
internal sealed class ParquetCopy(Stream stream) : IKeptRows
{
    public byte[] Pack(IReadOnlyList<ReadOnlyMemory<byte>> records) => [];

    public void Add(byte[] packed)
    {
    }

    public void EndFile(DataFile file, long rows, IReadOnlyList<long> dropped)
    {
        using var plain = ParquetPath.Of(RecordFile.Examine(file.Path));
        using var arrow = ArrowReaderProperties.GetDefault();
        arrow.UseThreads = false;
        arrow.PreBuffer = false;
        using var reader = new FileReader(plain.Value, null, arrow);
        using var properties = new WriterPropertiesBuilder().Compression(Compression.Zstd).Build();
        using var storing = new ArrowWriterPropertiesBuilder().StoreSchema().Build();
        using var output = new ManagedOutputStream(stream, leaveOpen: true);
        using var writer = new FileWriter(output, reader.Schema, properties, storing);
        var (number, next) = (0L, 0);
        for (var group = 0; group < reader.NumRowGroups; group++)
        {
            var begun = false;
            using var batches = reader.GetRecordBatchReader([group], null);
            while (Next(batches) is { } batch)
                using (batch)
                {
                    var begin = 0;
                    for (var row = 0; row <= batch.Length; row++)
                    {
                        var isDropped = row < batch.Length && next < dropped.Count && dropped[next] == number + row + 1;
                        if (!isDropped && row < batch.Length) continue;
                        if (row > begin)
                        {
                            if (!begun) writer.NewBufferedRowGroup();
                            begun = true;
                            using var kept = batch.SliceShared(begin, row - begin);
                            writer.WriteBufferedRecordBatch(kept);
                        }
                        begin = row + 1;
                        if (isDropped) next++;
                    }
                    number += batch.Length;
                }
        }
        if (number != rows) throw new BadInputException(file.Path, "changed while it was read", "start again when nothing writes to it any more");
        writer.Close();
    }

    public void End()
    {
    }

    public void Dispose()
    {
    }

    private static RecordBatch? Next(Apache.Arrow.Ipc.IArrowArrayStream batches) => batches.ReadNextRecordBatchAsync().AsTask().GetAwaiter().GetResult();
}
