namespace Tulu2.Data.Slots;

/// <summary>Pairs whose reference log-probabilities a run needs.</summary>
public interface IPairs
{
    /// <summary>Number of pairs of the source.</summary>
    int Items { get; }

    /// <summary>Pairs that the run uses, in the order of their first use.</summary>
    IReadOnlyList<int> UsedItems();

    /// <summary>Some pairs as one batch, packed or padded as slots are. Its step is 0.</summary>
    /// <param name="number">The batch's slot number.</param>
    SlotBatch ReadPairs(int number, int[] pairs);
}
