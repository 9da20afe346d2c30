namespace Tulu2.Collectives.Layout;

/// <summary>
/// Whose of a tensor's rows are where each rank of a group keeps, or sends, only some: contiguous runs in the order of the ranks, of sizes that differ by at most
/// one; the first rank's is one of the largest, and where there are fewer rows than ranks some have none. Pure arithmetic.
/// </summary>
public static class RowShares
{
    public static ElementRange Of(long rows, int rank, int ranks)
    {
        long first = First(rows, rank, ranks), end = First(rows, rank + 1, ranks);
        return new ElementRange(first, end - first);
    }

    /// <summary>By rank: what its share takes of a contiguous tensor, in units of which a row has <paramref name="rowSize"/>: elements or bytes.</summary>
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
