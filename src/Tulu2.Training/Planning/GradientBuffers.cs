using Tulu2.Collectives;
using Tulu2.Collectives.Reduction;

namespace Tulu2.Training.Planning;

/// <summary>
/// Counts the full-size buffers that <c>HeldGradients</c> allocates, by replaying its sequence of rents and returns. A slot's gradient is rented before it is
/// added to the tree, and the pool does not shrink during a run.
/// </summary>
internal static class GradientBuffers
{
    /// <param name="slots">Slots of a step.</param>
    /// <param name="own">The replica's slots; they come in order.</param>
    /// <param name="totalApart">The step's total is not a buffer of the pool (ZeRO: it covers only the rank's range; with a GPU it is on the host).</param>
    /// <param name="streams">The total's buffer is rented before the last slot's backward pass (overlap).</param>
    /// <returns>The maximum number of buffers, and the number of sums left once all slots are added.</returns>
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
