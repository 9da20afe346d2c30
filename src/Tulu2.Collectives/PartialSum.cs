namespace Tulu2.Collectives;

/// <summary>A contiguous, non-empty range of slots [First, First + Count).</summary>
public readonly record struct SlotRange(int First, int Count)
{
    public int End => First + Count;
    public override string ToString() => $"{First}..{End - 1}";
}

/// <summary>A contiguous range [First, First + Count) of a flat buffer, in elements unless stated otherwise; may be empty.</summary>
public readonly record struct ElementRange(long First, long Count)
{
    public long End => First + Count;
}

/// <summary>The sum over the slots of one node of the reduction tree, as a flat fp32 buffer in host memory.</summary>
/// <param name="Range">The slots summed; always a node of the tree over all slots of the step.</param>
/// <param name="Address">Address of the first float; the memory outlives the call it is passed to.</param>
/// <param name="Length">Number of floats.</param>
public readonly record struct PartialSum(SlotRange Range, nint Address, long Length);
