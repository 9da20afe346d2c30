using System.Runtime.InteropServices;
using Tulu2.Data.Rows.Conversion;
using Tulu2.Data.Rows.Records;
using Tulu2.Files;
using Tulu2.Mixtures.Rows;

namespace Tulu2.Mixtures.Decontamination;

/// <param name="Record">A copy of its own.</param>
internal readonly record struct BatchedRecord(RawRecord Record, IRowSource? Source);

/// <summary>Cuts a file's records into batches. Where the cuts are depends on the file alone.</summary>
internal static class RowBatches
{
    private const int MostRecords = 256;
    private const int MostBytes = 2 << 20;

    /// <param name="withText">The records' own bytes are needed.</param>
    /// <exception cref="BadInputException">The file is damaged.</exception>
    public static IEnumerable<IReadOnlyList<BatchedRecord>> Of(RowTurnReader reader, bool withText)
    {
        var (batch, bytes) = (new List<BatchedRecord>(), 0L);
        foreach (var record in reader.Records())
        {
            if (record.Damage) throw new BadInputException($"{reader.File.Path}:{record.Line}", record.Fault!, "fetch or write the file again");
            var source = reader.SourceOf(record);
            if (record.Fault is not null) batch.Add(new BatchedRecord(record, source));
            else
            {
                // Reading goes on with the next record as soon as this one is given out.
                batch.Add(new BatchedRecord(record with { Element = record.Element.Clone(), Text = withText ? record.Text.ToArray() : default }, source));
                bytes += JsonMarshal.GetRawUtf8Value(record.Element).Length;
            }
            if (batch.Count < MostRecords && bytes < MostBytes) continue;
            yield return batch;
            (batch, bytes) = ([], 0);
        }
        if (batch.Count > 0) yield return batch;
    }
}
