namespace Tulu2.Collectives;

/// <summary>One rank's work when a step is resumed after a loss.</summary>
/// <param name="Keep">Sums it holds and keeps, in slot order.</param>
/// <param name="Compute">Slots it still has to compute, in slot order.</param>
public sealed record SlotShare(IReadOnlyList<SlotRange> Keep, IReadOnlyList<SlotRange> Compute);

/// <summary>Which rank computes which slots. Pure functions: every rank arrives at the same assignment without communication.</summary>
public static class SlotAssignment
{
    /// <summary>A rank's contiguous range in a step without failures: sizes differ by at most one, and the first ranks take the larger ones.</summary>
    /// <returns>Null if there are more ranks than slots and this rank has none.</returns>
    public static SlotRange? Range(int slots, int size, int rank)
    {
        int whole = slots / size, rest = slots % size;
        var count = whole + (rank < rest ? 1 : 0);
        return count == 0 ? null : new SlotRange(rank * whole + Math.Min(rank, rest), count);
    }

    /// <summary>
    /// Assignment for a step that is resumed after a loss. Every slot is used exactly once: of overlapping sums the widest is kept, then the one of the lowest
    /// rank. Slots no rank holds are distributed evenly, in contiguous runs.
    /// </summary>
    /// <param name="heldPerRank">By rank: the sums it holds; each range is one sum and is kept or dropped as a whole.</param>
    public static IReadOnlyList<SlotShare> Recover(int slots, IReadOnlyList<IReadOnlyList<SlotRange>> heldPerRank)
    {
        var taken = new bool[slots];
        var keep = heldPerRank.Select(_ => new List<SlotRange>()).ToArray();
        var offers = heldPerRank.SelectMany((held, rank) => held.Select(range => (rank, range)))
            .OrderByDescending(offer => offer.range.Count).ThenBy(offer => offer.rank).ThenBy(offer => offer.range.First);
        foreach (var (rank, range) in offers)
        {
            var span = taken.AsSpan(range.First, range.Count);
            if (span.Contains(true)) continue;
            span.Fill(true);
            keep[rank].Add(range);
        }

        var missing = Enumerable.Range(0, slots).Where(slot => !taken[slot]).ToArray();
        return
        [
            .. keep.Select((kept, rank) => new SlotShare(
                [.. kept.OrderBy(range => range.First)],
                Range(missing.Length, heldPerRank.Count, rank) is { } share ? Runs(missing.AsSpan(share.First, share.Count)) : [])),
        ];
    }

    private static List<SlotRange> Runs(ReadOnlySpan<int> ascending)
    {
        var runs = new List<SlotRange>();
        foreach (var slot in ascending)
            if (runs.Count > 0 && runs[^1].End == slot) runs[^1] = runs[^1] with { Count = runs[^1].Count + 1 };
            else runs.Add(new SlotRange(slot, 1));
        return runs;
    }
}
