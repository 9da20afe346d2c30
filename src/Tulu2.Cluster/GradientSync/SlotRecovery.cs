using Tulu2.Collectives;

namespace Tulu2.Cluster.GradientSync;

/// <summary>What one rank has to do for a recovered step.</summary>
internal readonly record struct SlotShare(IReadOnlyList<SlotRange> Keep, IReadOnlyList<SlotRange> Compute);

/// <summary>Who gives which slots of a step that was interrupted.</summary>
internal static class SlotRecovery
{
    /// <summary>
    /// Of held ranges that overlap the largest is kept (they are nodes of one tree, so they nest), of equal ones the lowest rank's; what nobody holds is
    /// spread so that the ranks come out as even as they can.
    /// </summary>
    public static IReadOnlyList<SlotShare> Share(int slots, IReadOnlyList<IReadOnlyList<SlotRange>> held)
    {
        var keep = held.Select(_ => new List<SlotRange>()).ToArray();
        var compute = held.Select(_ => new List<int>()).ToArray();
        var given = new bool[slots];
        foreach (var (range, rank) in held.SelectMany((ranges, rank) => ranges.Select(range => (range, rank))).OrderByDescending(h => h.range.Count).ThenBy(h => h.rank))
        {
            if (range.First < 0 || range.End > slots || given.AsSpan(range.First, range.Count).Contains(true)) continue;
            given.AsSpan(range.First, range.Count).Fill(true);
            keep[rank].Add(range);
        }
        // Contiguous pieces add up to larger nodes of the tree, so each rank takes a run of the missing slots.
        var missing = Enumerable.Range(0, slots).Where(slot => !given[slot]).ToArray();
        for (var rank = 0; rank < held.Count; rank++)
            if (SlotAssignment.Range(missing.Length, held.Count, rank) is { } part)
                compute[rank].AddRange(missing.AsSpan(part.First, part.Count));
        return [.. keep.Select((ranges, rank) => new SlotShare([.. ranges.OrderBy(range => range.First)], Runs(compute[rank])))];
    }

    private static List<SlotRange> Runs(List<int> slots)
    {
        var runs = new List<SlotRange>();
        foreach (var slot in slots)
        {
            if (runs.Count > 0 && runs[^1].End == slot) runs[^1] = new SlotRange(runs[^1].First, runs[^1].Count + 1);
            else runs.Add(new SlotRange(slot, 1));
        }
        return runs;
    }
}
