using System.Numerics;
using Tulu2.Collectives;

namespace Tulu2.Training.Slots;

/// <summary>The fixed binary tree over a step's slots: a node is split at the largest power of two below its size.</summary>
internal static class SlotTree
{
    /// <summary>The node that is added to <paramref name="node"/> to make their parent; null for the root.</summary>
    /// <exception cref="ArgumentException">Not a node of the tree.</exception>
    public static SlotRange? Sibling(int slots, SlotRange node)
    {
        var at = new SlotRange(0, slots);
        SlotRange? sibling = null;
        while (at != node)
        {
            if (at.Count == 1) throw new ArgumentException($"{node}: no node of the tree over {slots} slots", nameof(node));
            var half = 1 << BitOperations.Log2((uint)(at.Count - 1));
            var (left, right) = (new SlotRange(at.First, half), new SlotRange(at.First + half, at.Count - half));
            (at, sibling) = node.First < right.First ? (left, right) : (right, left);
        }
        return sibling;
    }
}
