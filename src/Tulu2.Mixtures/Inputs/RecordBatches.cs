using System.Runtime.InteropServices;
using System.Text.Json;
using Tulu2.Data.Rows.Records;
using Tulu2.Files;

namespace Tulu2.Mixtures.Inputs;

/// <param name="File">Number of the file in its source.</param>
/// <param name="Element">Valid as long as the batch.</param>
/// <param name="Places">The record's places in the source's output.</param>
internal sealed record TakenRecord(int File, long Line, JsonElement Element, int[] Places);

/// <summary>Records of one source that are converted and kept together.</summary>
internal sealed record RecordBatch(int Number, IReadOnlyList<TakenRecord> Records);

/// <summary>
/// Cuts what is taken of a source into batches, in reading order. Where the cuts are depends only on the files and the plan, so that a build that was
/// killed finds the same ones again.
/// </summary>
internal static class RecordBatches
{
    private const int MostRecords = 512;
    private const int MostBytes = 4 << 20;

    /// <param name="isDone">The batch of this number needs no reading; it comes without records.</param>
    public static IEnumerable<RecordBatch> Of(SourcePlan plan, Func<int, bool> isDone)
    {
        var (number, bytes, count) = (0, 0L, 0);
        var done = isDone(number);
        var taken = new List<TakenRecord>();
        foreach (var (file, line, element, places) in Taken(plan))
        {
            // Reading goes on with the next record as soon as this one is given out.
            if (!done) taken.Add(new TakenRecord(file, line, element.Clone(), places));
            bytes += JsonMarshal.GetRawUtf8Value(element).Length;
            if (++count < MostRecords && bytes < MostBytes) continue;
            yield return new RecordBatch(number++, taken);
            (bytes, count, taken, done) = (0, 0, [], isDone(number));
        }
        if (count > 0) yield return new RecordBatch(number, taken);
    }

    private static IEnumerable<(int File, long Line, JsonElement Element, int[] Places)> Taken(SourcePlan plan)
    {
        var record = 0;
        for (var file = 0; file < plan.Files.Count; file++)
            // It was read to its end, and found whole, when its records were counted.
            foreach (var (line, element, fault) in SourceRecords.Of(plan.Recipe, RecordFile.Unexamined(plan.Files[file].Path)))
            {
                if (fault is not null) continue;
                if (record == plan.Selection.Records) throw Changed(plan);
                int[] places = [.. plan.Selection.PlacesOf(record++)];
                if (places.Length > 0) yield return (file, line, element, places);
            }
        if (record != plan.Selection.Records) throw Changed(plan);
    }

    private static BadInputException Changed(SourcePlan plan) =>
        new($"source {plan.Recipe.Name}", "one of its files changed while the mixture was built", "start again, in a new directory, once nothing writes to it");
}
