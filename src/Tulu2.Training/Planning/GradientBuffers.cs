using Tulu2.Collectives;
using Tulu2.Collectives.Reduction;

namespace Tulu2.Training.Planning;

/// <summary>
/// How many full-size buffers <c>HeldGradients</c> ever has: the same sequence of rents and returns, without any buffer. A slot's gradient is
/// rented before it is added into the tree, and the pool never shrinks within a run.
/// </summary>
internal static class GradientBuffers
{
    /// <param name="own">The replica's slots; they come in order.</param>
    /// <param name="totalApart">The step's total is no full buffer of the pool (ZeRO: only the rank's range of it; with a GPU it is on the host).</param>
    /// <param name="streams">The total's buffer is rented before the last slot's backward pass.</param>
    /// <returns>The most buffers there are at once, and the sums that are left once all slots are added.</returns>
    public static (int Most, int Left) Of(int slots, SlotRange own, bool totalApart, bool streams)
    {
        var held = new Dictionary<int, SlotRange>();
        var most = 0;
        for (var slot = own.First; slot < own.End; slot++)
        {
            most = Math.Max(most, held.Count + 1 + (streams && !totalApart && slot == own.End - 1 ? 1 : 0));
            var range = new SlotRange(slot, 1);
            while (ReductionTree.Sibling(slots, range) is { } sibling && held.TryGetValue(sibling.First, out var other) && other == sibling)
            {
                held.Remove(sibling.First);
                range = new SlotRange(Math.Min(sibling.First, range.First), sibling.Count + range.Count);
            }
            held.Add(range.First, range);
        }
        return (Math.Max(most, held.Count + (totalApart ? 0 : 1)), held.Count);
    }
}
