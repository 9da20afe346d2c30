using System.Buffers;
using System.Text.Json;
using Apache.Arrow;

namespace Tulu2.Data.Rows.Records;

/// <summary>Records of Parquet files. One record batch is in memory at a time. Rows are numbered from 1 over the whole file.</summary>
internal static class ParquetRecords
{
    public static IEnumerable<RawRecord> Read(RecordFile file, RecordColumns columns)
    {
        using var plain = ParquetPath.Of(file);
        using var reader = ParquetColumns.Open(file, plain.Value, columns);
        using var written = new RowWriter();
        IReadOnlyList<TextForm>? forms = null;
        long number = 0;
        for (var group = 0; group < reader.Groups; group++)
        {
            using var batches = reader.Read(group);
            string? damage = null;
            while (true)
            {
                RecordBatch? batch;
                try
                {
                    batch = batches?.ReadNextRecordBatchAsync().AsTask().GetAwaiter().GetResult();
                    if (batch is null) break;
                }
                catch (Exception failure) when (failure is not OutOfMemoryException)
                {
                    batch = null;
                }
                if (batch is null)
                {
                    damage = reader.Describe(group);
                    break;
                }
                forms ??= reader.Forms(batch.Schema);
                using (batch)
                    for (var row = 0; row < batch.Length; row++)
                    {
                        number++;
                        using var document = written.TryWrite(batch, forms, row, out var fault);
                        yield return document is null ? RawRecord.Bad(number, fault!) : new RawRecord(number, document.RootElement, null);
                    }
            }
            if (damage is null && batches is not null && number == reader.RowsUpTo(group)) continue;
            yield return RawRecord.Damaged(number + 1, damage ?? $"row group {group} does not have the rows that the file names", number);
            yield break;
        }
        if (file.Damage is not null) yield return RawRecord.Damaged(number + 1, file.Damage, number);
    }

    /// <summary>Writes rows as JSON, so that the same checks hold for every file format.</summary>
    private sealed class RowWriter : IDisposable
    {
        private readonly ArrayBufferWriter<byte> bytes = new();
        private readonly Utf8JsonWriter json;

        public RowWriter() => json = new Utf8JsonWriter(bytes, new JsonWriterOptions { SkipValidation = true, MaxDepth = 1000 });

        public JsonDocument? TryWrite(RecordBatch batch, IReadOnlyList<TextForm> forms, int row, out string? fault)
        {
            bytes.ResetWrittenCount();
            json.Reset(bytes);
            fault = ArrowJson.WriteRow(json, batch, forms, row);
            if (fault is not null) return null;
            json.Flush();
            if (bytes.WrittenCount > JsonRecords.MostBytes)
            {
                fault = $"the row has more than {JsonRecords.MostBytes:N0} bytes, the most that a row may have";
                return null;
            }
            (var document, fault) = JsonText.Parse(bytes.WrittenMemory);
            return document;
        }

        public void Dispose() => json.Dispose();
    }
}
