using System.Numerics;

namespace Tulu2.Collectives.Reduction;

/// <summary>
/// The fixed binary tree over the slots 0..S-1 of a step. A node is a contiguous range of slots, split at the largest power of two below its size; this is the
/// tree that pairwise summation with a binary counter builds when slots arrive in order. The tree depends on S alone, never on the ranks.
/// </summary>
public static class ReductionTree
{
    /// <summary>The two halves of a node of at least two slots.</summary>
    public static (SlotRange Left, SlotRange Right) Split(SlotRange node)
    {
        if (node.Count < 2) throw new ArgumentOutOfRangeException(nameof(node), $"slot {node.First} is a leaf and cannot be split");
        var half = 1 << BitOperations.Log2((uint)(node.Count - 1));
        return (new SlotRange(node.First, half), new SlotRange(node.First + half, node.Count - half));
    }

    /// <summary>Whether a range is a node of the tree over <paramref name="slots"/>.</summary>
    public static bool IsNode(int slots, SlotRange range) => Cover(slots, range) is [var only] && only == range;

    /// <summary>The fewest nodes of the tree over <paramref name="slots"/> whose union is a contiguous range, in slot order.</summary>
    public static IReadOnlyList<SlotRange> Cover(int slots, SlotRange range)
    {
        if (range.First < 0 || range.Count < 1 || range.End > slots)
            throw new ArgumentOutOfRangeException(nameof(range), $"slots {range} are not within 0..{slots - 1}");
        var nodes = new List<SlotRange>();
        Descend(new SlotRange(0, slots));
        return nodes;

        void Descend(SlotRange node)
        {
            if (node.First >= range.End || range.First >= node.End) return;
            if (range.First <= node.First && node.End <= range.End)
            {
                nodes.Add(node);
                return;
            }
            var (left, right) = Split(node);
            Descend(left);
            Descend(right);
        }
    }

    /// <summary>Whether the ranges are nodes that contain every slot exactly once, so that the total can be computed from them.</summary>
    public static bool IsCover(int slots, IReadOnlyCollection<SlotRange> ranges)
    {
        var end = 0;
        foreach (var range in ranges.OrderBy(range => range.First))
        {
            if (range.First != end || range.Count < 1 || range.End > slots || !IsNode(slots, range)) return false;
            end = range.End;
        }
        return end == slots;
    }

    /// <exception cref="ArgumentException">The ranges are no cover: <see cref="IsCover"/>.</exception>
    internal static void CheckCover(int slots, IReadOnlyCollection<SlotRange> ranges)
    {
        if (IsCover(slots, ranges)) return;
        throw new ArgumentException(
            $"the partial sums over slots {string.Join(", ", ranges)} do not cover each of {slots} slots once by nodes of the reduction tree", nameof(ranges));
    }

    /// <summary>The other child of <paramref name="node"/>'s parent; null for the root.</summary>
    /// <exception cref="ArgumentException">Not a node of the tree.</exception>
    public static SlotRange? Sibling(int slots, SlotRange node)
    {
        var at = new SlotRange(0, slots);
        SlotRange? sibling = null;
        while (at != node)
        {
            if (at.Count == 1) throw new ArgumentException($"slots {node} are not a node of the tree over {slots} slots", nameof(node));
            var (left, right) = Split(at);
            (at, sibling) = node.First < right.First ? (left, right) : (right, left);
        }
        return sibling;
    }
}
