using Tulu2.Data.Rows;
using Tulu2.Data.Rows.Conversion;
using Tulu2.Files;
using Tulu2.Mixtures.Conversion;
using Tulu2.Mixtures.Deduplication;
using Tulu2.Mixtures.Inputs;
using Tulu2.Mixtures.Recipes;
using Tulu2.Mixtures.Rows;

namespace Tulu2.Mixtures.Segments;

/// <summary>Makes a segment of a batch: converts, filters and fingerprints. Pure, and called from several threads.</summary>
internal sealed class BatchConversion(MixtureRecipe recipe, SourcePlan plan)
{
    private readonly MinHash? _minHash = recipe.Duplicates.Kind == DuplicateKind.Near ? new MinHash(recipe.Duplicates.Shingle) : null;
    private readonly bool[] _applies = [.. recipe.Filters.Select(filter => !filter.Except.Contains(plan.Recipe.Name))];

    /// <returns>The segment, and the line of each of its rows.</returns>
    public (Segment Segment, IReadOnlyList<byte[]> Lines) Convert(RecordBatch batch)
    {
        List<SegmentRow> rows = [];
        List<byte[]> lines = [];
        List<SegmentReject> rejects = [];
        Dictionary<string, int> slips = [];
        var output = new RecordOutput();
        foreach (var record in batch.Records)
            foreach (var place in record.Places)
            {
                Convert(record, place, output);
                rejects.AddRange(output.Rejected.Select(reason => new SegmentReject(place, record.File, record.Line, reason)));
                foreach (var (slip, times) in output.Slips) slips[slip] = slips.GetValueOrDefault(slip) + times;
                for (var part = 0; part < output.Rows.Count; part++)
                {
                    lines.Add(RowJson.Write(output.Rows[part], out var numberAt));
                    var row = new SegmentRow(place, part, record.File, record.Line, numberAt, -1, null, null, default, null, 0, 0);
                    rows.Add(Judge(output.Rows[part].Messages, row));
                }
            }
        return (new Segment(rows, rejects, slips), lines);
    }

    private void Convert(TakenRecord record, int place, RecordOutput output)
    {
        var location = new RowLocation(plan.Files[record.File].Path, record.Line);
        var index = recipe.Mode == MixtureMode.Parity ? plan.Selection.WithinPass(place) : place;
        output.Clear();
        try
        {
            plan.Recipe.Conversion.Convert(record.Element, new RecordContext(location, index, plan.Draws?[place] ?? 0), output);
        }
        catch (InvalidOperationException)
        {
            output.Clear();
            output.Reject(JsonFields.InvalidText);
        }
        if (recipe.Format == ShardFormat.Parquet && output.Rows.Any(row => row.Messages.Any(message => !message.Learnt)))
            throw new BadInputException(location.ToString(), "has a turn of weight 0, for which the Parquet form has no place", "use `format: jsonl.gz`");
    }

    private SegmentRow Judge(IReadOnlyList<Message> messages, SegmentRow row)
    {
        for (var filter = 0; filter < recipe.Filters.Count; filter++)
        {
            if (!_applies[filter]) continue;
            var (reason, onlyParity) = recipe.Filters[filter].Test(messages);
            row = row with { OnlyParity = row.OnlyParity ?? onlyParity };
            if (reason is not null) return row with { Filter = filter, Reason = reason };
        }
        return recipe.Duplicates.Kind == DuplicateKind.None ? row
            : row with { Fingerprint = ContentFingerprint.Of(messages), Signature = _minHash?.Of(messages) };
    }
}
