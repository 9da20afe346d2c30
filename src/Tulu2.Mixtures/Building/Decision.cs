using Tulu2.Files;
using Tulu2.Mixtures.Deduplication;
using Tulu2.Mixtures.Inputs;
using Tulu2.Mixtures.Recipes;
using Tulu2.Mixtures.Segments;

namespace Tulu2.Mixtures.Building;

/// <summary>
/// Decides which rows the mixture has, in which order, and lists what it leaves out. A function of the segments alone; done anew at each start of a build. One
/// source's index is in memory at a time, and 32 bytes for each row that is kept (some 100 more, or 500, where duplicates are looked for).
/// </summary>
internal sealed class Decision(MixtureRecipe recipe, IReadOnlyList<SourcePlan> plans, SegmentStore store, LeftOutFiles leftOut)
{
    private readonly DuplicateCheck _duplicates = new(recipe.Duplicates);
    private readonly List<RowPlace> _kept = [];
    private readonly List<string> _origins = [];

    public IReadOnlyList<RowPlace> Kept => _kept;

    public List<SourceCounts> Counts { get; } = [];

    public void Run(CancellationToken cancellation)
    {
        for (var source = 0; source < plans.Count; source++)
        {
            cancellation.ThrowIfCancellationRequested();
            Counts.Add(Take(source));
        }
    }

    private SourceCounts Take(int source)
    {
        var plan = plans[source];
        var counts = new SourceCounts(plan.Recipe.Name)
        {
            Records = plan.Selection.Records,
            Unreadable = plan.Files.Sum(file => file.Unreadable.Count),
            Taken = plan.Selection.Count,
            PaperRaw = plan.Recipe.Paper?.Raw,
            PaperFinal = plan.Recipe.Paper?.Final,
        };
        foreach (var file in plan.Files)
            foreach (var (line, reason) in file.Unreadable) leftOut.Reject(plan.Recipe.Name, file.Path, line, "unreadable", reason);
        if (plan.RepeatedRows > 0) counts.Slips[SourcePlan.RepeatedIds] = plan.RepeatedRows;
        var (rows, rejects) = Read(source, counts);
        foreach (var (place, file, line, reason) in rejects) leftOut.Reject(plan.Recipe.Name, plan.Files[file].Path, line, "converter", reason);
        counts.Rejected = rejects.Count;
        counts.Converted = rows.Count;
        var removed = new long[recipe.Filters.Count + 1];
        for (var number = 0; number < rows.Count; number++) Decide(source, rows[number].Row, rows[number].Segment, number, counts, removed);
        Sum(counts, removed);
        return counts;
    }

    private void Decide(int source, SegmentRow row, int segment, int number, SourceCounts counts, long[] removed)
    {
        var (name, path) = (plans[source].Recipe.Name, plans[source].Files[row.File].Path);
        if (row.OnlyParity is { } only)
        {
            counts.OnlyParity++;
            leftOut.OnlyParity(name, path, row.Line, only, row.Filter >= 0);
        }
        if (row.Filter >= 0)
        {
            removed[row.Filter]++;
            leftOut.Reject(name, path, row.Line, recipe.Filters[row.Filter].Name, row.Reason!);
            return;
        }
        if (_duplicates.FindOrAdd(row.Fingerprint, row.Signature) is var (other, exact))
        {
            removed[^1]++;
            leftOut.Reject(name, path, row.Line, "deduplicate", $"{(exact ? "the same turns as" : "nearly the same words as")} {_origins[other]}");
            return;
        }
        if (recipe.Duplicates.Kind != DuplicateKind.None) _origins.Add($"{name}: {Path.GetFileName(path)}:{row.Line}");
        _kept.Add(new RowPlace(source, segment, row.Offset, row.Length, row.NumberAt, number));
        counts.Kept++;
    }

    private (List<(SegmentRow Row, int Segment)> Rows, List<SegmentReject> Rejects) Read(int source, SourceCounts counts)
    {
        var (rows, rejects) = (new List<(SegmentRow Row, int Segment)>(), new List<SegmentReject>());
        var segments = store.Count(source) ?? throw new BadInputException(store.EndOf(source), "is gone", "start the build again");
        for (var number = 0; number < segments; number++)
        {
            var segment = store.Read(source, number);
            rows.AddRange(segment.Rows.Select(row => (row, number)));
            rejects.AddRange(segment.Rejects);
            foreach (var (slip, times) in segment.Slips) counts.Slips[slip] = counts.Slips.GetValueOrDefault(slip) + times;
        }
        // Segments have rows in reading order; a sample's order is another one.
        rows.Sort((one, other) => one.Row.Place != other.Row.Place ? one.Row.Place.CompareTo(other.Row.Place) : one.Row.Part.CompareTo(other.Row.Part));
        return (rows, [.. rejects.OrderBy(reject => reject.Place)]);
    }

    private void Sum(SourceCounts counts, long[] removed)
    {
        var left = counts.Converted;
        for (var filter = 0; filter < recipe.Filters.Count; filter++) counts.Left.Add(new RowsLeft(recipe.Filters[filter].Name, left -= removed[filter]));
        if (recipe.Duplicates.Kind != DuplicateKind.None) counts.Left.Add(new RowsLeft("deduplicate", left - removed[^1]));
    }
}
