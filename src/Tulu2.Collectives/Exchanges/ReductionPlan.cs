using Tulu2.Collectives.Frames;
using Tulu2.Collectives.Layout;
using Tulu2.Collectives.Reduction;

namespace Tulu2.Collectives.Exchanges;

/// <summary>A run of elements that one rank sums.</summary>
/// <param name="Receivers">By rank of the group: whether it receives the result. The rank that sums the chunk is always one of them.</param>
internal readonly record struct ReductionChunk(long First, int Count, bool[] Receivers);

/// <summary>
/// The communication plan of a reduction: a pure function of what all ranks know about each other. Elements no rank wants are skipped; elements one rank wants
/// are summed there; elements several ranks want are divided among them, and each sums its part and sends it to the others.
/// </summary>
internal sealed class ReductionPlan
{
    // Elements; parts begin at multiples of it.
    private const int Alignment = 32;

    /// <param name="wanted">By rank: the elements it wants.</param>
    /// <param name="summandCounts">By rank: the number of summands it contributes to each element.</param>
    /// <param name="elementSize">Bytes of an element.</param>
    public ReductionPlan(IReadOnlyList<ElementRange> wanted, IReadOnlyList<int> summandCounts, int elementSize)
    {
        var most = Math.Max(1, summandCounts.Max());
        var chunkLength = FrameHeader.MaxPayload / elementSize / most / Alignment * Alignment;
        if (chunkLength == 0)
            throw new ArgumentException(
                $"a rank contributes {most} partial sums that it cannot add; at most {FrameHeader.MaxPayload / elementSize / Alignment} fit in a frame");
        var chunks = wanted.Select(_ => new List<ReductionChunk>()).ToArray();
        var borders = wanted.Where(range => range.Count > 0).SelectMany(range => new[] { range.First, range.End }).Distinct().Order().ToArray();
        for (var index = 1; index < borders.Length; index++)
        {
            long first = borders[index - 1], end = borders[index];
            var receivers = wanted.Select(range => range.First <= first && end <= range.End).ToArray();
            var ranks = Enumerable.Range(0, wanted.Count).Where(rank => receivers[rank]).ToArray();
            for (var part = 0; part < ranks.Length; part++)
            {
                var share = RowShares.Aligned(end - first, part, ranks.Length, Alignment);
                long from = first + share.First, to = first + share.End;
                for (var at = from; at < to; at += chunkLength) chunks[ranks[part]].Add(new ReductionChunk(at, (int)Math.Min(chunkLength, to - at), receivers));
            }
        }
        Chunks = [.. chunks.Select(list => list.ToArray())];
    }

    /// <summary>By rank: the chunks it sums, in order.</summary>
    public ReductionChunk[][] Chunks { get; }

    /// <summary>By rank, in slot order: the largest nodes of the tree whose slots it holds completely. Their sums are all that has to leave the rank.</summary>
    /// <param name="held">By rank: the nodes it holds; together they contain every slot.</param>
    public static SlotRange[][] Summands(int slots, IReadOnlyList<IReadOnlyList<SlotRange>> held)
    {
        var owners = new Dictionary<SlotRange, int>();
        for (var rank = 0; rank < held.Count; rank++)
            foreach (var range in held[rank]) owners.Add(range, rank);
        var summands = held.Select(_ => new List<SlotRange>()).ToArray();
        var root = new SlotRange(0, slots);
        if (Visit(root) is { } only) summands[only].Add(root);
        return [.. summands.Select(list => list.ToArray())];

        // The rank that holds the whole node, or null; the nodes below it are added only if no rank does.
        int? Visit(SlotRange node)
        {
            if (owners.TryGetValue(node, out var owner)) return owner;
            var (left, right) = ReductionTree.Split(node);
            int? one = Visit(left), other = Visit(right);
            if (one is not null && one == other) return one;
            if (one is { } leftOwner) summands[leftOwner].Add(left);
            if (other is { } rightOwner) summands[rightOwner].Add(right);
            return null;
        }
    }
}
