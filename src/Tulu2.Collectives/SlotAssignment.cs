namespace Tulu2.Collectives;

/// <summary>What one rank does for a step that is taken up again: the sums it keeps, and the slots it has still to compute.</summary>
public sealed record SlotShare(IReadOnlyList<SlotRange> Keep, IReadOnlyList<SlotRange> Compute);

/// <summary>Which rank computes which slots, as pure functions: every rank comes to the same answer by itself.</summary>
public static class SlotAssignment
{
    /// <summary>The contiguous range of a rank in an undisturbed step: sizes differ by at most one, the first ranks take the larger ones.</summary>
    /// <returns>Null where there are more ranks than slots and this one has nothing to do.</returns>
    public static SlotRange? Range(int slots, int size, int rank)
    {
        int whole = slots / size, rest = slots % size;
        var count = whole + (rank < rest ? 1 : 0);
        return count == 0 ? null : new SlotRange(rank * whole + Math.Min(rank, rest), count);
    }

    /// <summary>
    /// Takes a step up again after a loss: of what the ranks hold every slot is used exactly once (of sums that overlap the widest one stays, then the lowest
    /// rank's), and the slots that nobody holds are spread as evenly as they go, in contiguous runs.
    /// </summary>
    /// <param name="heldPerRank">Sums held by each rank; each range is one sum and is kept or dropped whole.</param>
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
