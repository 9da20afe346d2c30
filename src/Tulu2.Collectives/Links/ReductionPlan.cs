using Tulu2.Collectives.Reduction;
using Tulu2.Collectives.Wire;

namespace Tulu2.Collectives.Links;

/// <summary>A run of elements that one rank adds up.</summary>
/// <param name="Wanters">Which ranks of the group get it; the rank that makes it is one of them.</param>
internal readonly record struct ReductionChunk(long First, int Count, bool[] Wanters);

/// <summary>
/// Who sends what to whom in a reduction, as a pure function of what all ranks know of each other. What nobody wants is not made. What one rank wants it makes; what
/// several want they share out among them, each makes its part and gives it to the others.
/// </summary>
internal sealed class ReductionPlan
{
    private const int Line = 32;

    /// <param name="wanted">By rank.</param>
    /// <param name="units">By rank: how many summands of each element it gives.</param>
    public ReductionPlan(IReadOnlyList<ElementRange> wanted, IReadOnlyList<int> units, int elementSize)
    {
        var perChunk = FrameHeader.MaxPayload / elementSize / Math.Max(1, units.Max());
        var chunk = perChunk / Line * Line;
        if (chunk == 0) throw new ArgumentException($"a rank gives {units.Max()} partial sums that it cannot add up itself, more than {FrameHeader.MaxPayload / elementSize / Line}");
        var chunks = wanted.Select(_ => new List<ReductionChunk>()).ToArray();
        var borders = wanted.Where(range => range.Count > 0).SelectMany(range => new[] { range.First, range.End }).Distinct().Order().ToArray();
        for (var index = 1; index < borders.Length; index++)
        {
            long first = borders[index - 1], end = borders[index];
            var wanters = wanted.Select(range => range.First <= first && end <= range.End).ToArray();
            var makers = Enumerable.Range(0, wanted.Count).Where(rank => wanters[rank]).ToArray();
            var lines = (end - first + Line - 1) / Line;
            for (var maker = 0; maker < makers.Length; maker++)
            {
                long from = first + lines * maker / makers.Length * Line, to = Math.Min(end, first + lines * (maker + 1) / makers.Length * Line);
                for (var at = from; at < to; at += chunk) chunks[makers[maker]].Add(new ReductionChunk(at, (int)Math.Min(chunk, to - at), wanters));
            }
        }
        Chunks = [.. chunks.Select(list => list.ToArray())];
    }

    /// <summary>By rank: what it makes, in order.</summary>
    public ReductionChunk[][] Chunks { get; }

    /// <summary>The largest nodes of the tree whose slots all lie with one rank, by rank in slot order: all that has to leave it.</summary>
    /// <param name="held">By rank: the nodes it holds; together they make up all slots.</param>
    public static SlotRange[][] Units(int slots, IReadOnlyList<IReadOnlyList<SlotRange>> held)
    {
        var owners = new Dictionary<SlotRange, int>();
        for (var rank = 0; rank < held.Count; rank++)
            foreach (var range in held[rank]) owners.Add(range, rank);
        var units = held.Select(_ => new List<SlotRange>()).ToArray();
        var root = new SlotRange(0, slots);
        if (Visit(root) is { } only) units[only].Add(root);
        return [.. units.Select(list => list.ToArray())];

        // The one rank that holds all of a node, if it does; units below it are written down only where it does not.
        int? Visit(SlotRange node)
        {
            if (owners.TryGetValue(node, out var owner)) return owner;
            var (left, right) = ReductionTree.Split(node);
            int? one = Visit(left), other = Visit(right);
            if (one is not null && one == other) return one;
            if (one is { } leftOwner) units[leftOwner].Add(left);
            if (other is { } rightOwner) units[rightOwner].Add(right);
            return null;
        }
    }
}
