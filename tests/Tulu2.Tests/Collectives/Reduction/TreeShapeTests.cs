using Tulu2.Collectives;
using Tulu2.Collectives.Network;
using Tulu2.Collectives.Reduction;
using Tulu2.Tests.Collectives.Network;
using Xunit;

namespace Tulu2.Tests.Collectives.Reduction;

/// <summary>Pins the reduction tree itself. With another tree all layouts might still agree with each other, but no longer with earlier runs.</summary>
public sealed class TreeShapeTests
{
    // By number of slots, or of ranks in an all-reduce.
    private static readonly Dictionary<int, string> Trees = new()
    {
        [1] = "0",
        [2] = "(0+1)",
        [3] = "((0+1)+2)",
        [4] = "((0+1)+(2+3))",
        [5] = "(((0+1)+(2+3))+4)",
        [6] = "(((0+1)+(2+3))+(4+5))",
        [7] = "(((0+1)+(2+3))+((4+5)+6))",
        [8] = "(((0+1)+(2+3))+((4+5)+(6+7)))",
        [9] = "((((0+1)+(2+3))+((4+5)+(6+7)))+8)",
        [11] = "((((0+1)+(2+3))+((4+5)+(6+7)))+((8+9)+10))",
        [13] = "((((0+1)+(2+3))+((4+5)+(6+7)))+(((8+9)+(10+11))+12))",
    };

    public static TheoryData<int> SlotCounts => new(Trees.Keys);

    [Theory]
    [MemberData(nameof(SlotCounts))]
    public void The_tree_over_slots_has_exactly_these_nodes(int slots)
    {
        Assert.Equal(Trees[slots], Text(new SlotRange(0, slots)));
        var nodes = new Dictionary<SlotRange, SlotRange?>();
        Collect(new SlotRange(0, slots), null);
        for (var first = 0; first < slots; first++)
            for (var count = 1; first + count <= slots; count++)
            {
                var range = new SlotRange(first, count);
                Assert.Equal(nodes.ContainsKey(range), ReductionTree.IsNode(slots, range));
                if (nodes.TryGetValue(range, out var sibling)) Assert.Equal(sibling, ReductionTree.Sibling(slots, range));
                else Assert.Throws<ArgumentException>(() => ReductionTree.Sibling(slots, range));
            }

        void Collect(SlotRange node, SlotRange? sibling)
        {
            nodes.Add(node, sibling);
            if (node.Count == 1) return;
            var (left, right) = ReductionTree.Split(node);
            Collect(left, right);
            Collect(right, left);
        }

        static string Text(SlotRange node)
        {
            if (node.Count == 1) return $"{node.First}";
            var (left, right) = ReductionTree.Split(node);
            return $"({Text(left)}+{Text(right)})";
        }
    }

    [Theory]
    [InlineData(null)]
    [InlineData(Transport.Tcp)]
    [InlineData(Transport.Auto)]
    public void A_tree_sum_adds_slots_in_this_order_however_they_are_distributed(Transport? transport)
    {
        const int ranks = 3;
        Func<int, int, int>[] owners =
        [
            (_, _) => 1,
            (slot, slots) => slot * ranks / slots,
            (slot, _) => slot % ranks,
            (slot, slots) => (slots - 1 - slot) * ranks / slots,
            (slot, slots) => slot == slots / 2 ? 2 : 0,
        ];
        var shapes = Ranks.Run(ranks, transport, collective => owners.SelectMany(owner => Trees.Keys.Select(slots =>
        {
            var probe = new Probe(slots);
            int[] own = [.. Enumerable.Range(0, slots).Where(slot => owner(slot, slots) == collective.Rank)];
            var sums = new float[probe.Length];
            Ranks.Pinned([sums, .. own.Select(probe.Values)], addresses => collective.TreeSum(slots,
                [.. own.Select((slot, index) => new PartialSum(new SlotRange(slot, 1), addresses[index + 1], sums.Length))], new ElementRange(0, sums.Length),
                addresses[0], sums.Length, Ranks.Deadline));
            return (slots, Tree: probe.TreeOf(sums));
        })).ToArray());
        Assert.All(shapes.SelectMany(shape => shape), shape => Assert.Equal(Trees[shape.slots], shape.Tree));
    }

    [Theory]
    [InlineData(null, ElementType.Float32)]
    [InlineData(null, ElementType.BFloat16)]
    [InlineData(Transport.Tcp, ElementType.Float32)]
    [InlineData(Transport.Tcp, ElementType.BFloat16)]
    public void An_all_reduce_adds_ranks_in_this_order(Transport? transport, ElementType type)
    {
        for (var ranks = 2; ranks <= 7; ranks++)
        {
            var probe = new Probe(ranks);
            var trees = Ranks.Run(ranks, transport, collective =>
            {
                var values = probe.Values(collective.Rank);
                Array buffer = type == ElementType.Float32 ? values : Array.ConvertAll(values, GroupReduction.Round);
                Ranks.Pinned([buffer], addresses => collective.AllReduce(addresses[0], values.Length, type, ReduceOperation.Sum, Ranks.Deadline));
                return probe.TreeOf(buffer as float[] ?? Array.ConvertAll((ushort[])buffer, bits => BitConverter.UInt32BitsToSingle((uint)bits << 16)));
            });
            Assert.All(trees, tree => Assert.Equal(Trees[ranks], tree));
        }
    }

    /// <summary>
    /// Summands whose rounding reveals the order of additions (FPRev, arXiv:2411.00442), one element per pair of summands: the first of the pair is a large
    /// number, the second its negative, and all others are 1. A 1 added before the large numbers cancel is lost, so the sum is the number of summands outside
    /// the smallest subtree that contains the pair.
    /// </summary>
    private sealed class Probe(int summands)
    {
        private const float Large = 1 << 30;

        private readonly (int First, int Second)[] _pairs =
            [.. from first in Enumerable.Range(0, summands) from second in Enumerable.Range(first + 1, summands - first - 1) select (first, second)];

        /// <summary>At least one element, so that a single summand can be summed.</summary>
        public int Length => _pairs.Length + 1;

        public float[] Values(int summand) => [.. _pairs.Select(pair => pair.First == summand ? Large : pair.Second == summand ? -Large : 1), 1];

        /// <summary>The tree that produces these sums; any text but that of a tree over the summands if no tree does.</summary>
        public string TreeOf(float[] sums)
        {
            if (sums[^1] != summands) return $"a sum of {summands} ones is {sums[^1]}";
            return Subtree([.. Enumerable.Range(0, summands)]);

            string Subtree(int[] leaves)
            {
                if (leaves is [var only]) return $"{only}";
                int[] left = [.. leaves.Where(leaf => leaf == leaves[0] || SizeOfSubtree(leaves[0], leaf) < leaves.Length)];
                int[] right = [.. leaves.Except(left)];
                return right.Length == 0 ? $"no node over {string.Join(",", leaves)}" : $"({Subtree(left)}+{Subtree(right)})";
            }

            float SizeOfSubtree(int first, int second) => summands - sums[Array.IndexOf(_pairs, (first, second))];
        }
    }
}
