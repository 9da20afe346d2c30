namespace Tulu2.Collectives.Layout;

/// <summary>
/// The division of a tensor's rows among the ranks of a group: contiguous runs in rank order whose sizes differ by at most one. The first rank's run is never
/// smaller than another's; with fewer rows than ranks some ranks have none. Pure arithmetic.
/// </summary>
public static class RowShares
{
    /// <summary>The rows of one rank.</summary>
    public static ElementRange Of(long rows, int rank, int ranks)
    {
        long first = First(rows, rank, ranks), end = First(rows, rank + 1, ranks);
        return new ElementRange(first, end - first);
    }

    /// <summary>One rank's part of <paramref name="count"/> elements: parts begin at multiples of <paramref name="alignment"/> and differ by at most one such block.</summary>
    public static ElementRange Aligned(long count, int rank, int ranks, long alignment)
    {
        var blocks = (count + alignment - 1) / alignment;
        long first = Math.Min(count, blocks * rank / ranks * alignment), end = Math.Min(count, blocks * (rank + 1) / ranks * alignment);
        return new ElementRange(first, end - first);
    }

    /// <summary>By rank: the range of a contiguous tensor that its rows occupy, in the unit of <paramref name="rowSize"/> (elements or bytes).</summary>
    public static IReadOnlyList<ElementRange> All(long rows, long rowSize, int ranks)
    {
        var parts = new ElementRange[ranks];
        for (var rank = 0; rank < ranks; rank++)
        {
            var (first, count) = Of(rows, rank, ranks);
            parts[rank] = new ElementRange(first * rowSize, count * rowSize);
        }
        return parts;
    }

    private static long First(long rows, int rank, int ranks) => (rows * rank + ranks - 1) / ranks;
}
