namespace Tulu2.Collectives;

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
}
