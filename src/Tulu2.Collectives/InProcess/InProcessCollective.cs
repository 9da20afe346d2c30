using System.Numerics.Tensors;
using Tulu2.Collectives.Reduction;

namespace Tulu2.Collectives.InProcess;

/// <summary>One rank's end of a generation whose ranks share their memory: everybody reads everybody's buffers in place.</summary>
internal sealed unsafe class InProcessCollective(Rendezvous meeting, int rank) : ICollective
{
    // Blocks that stay in the second-level cache together with the few operands that are alive.
    private const int BlockFloats = 16 * 1024;

    private sealed record Contribution(IReadOnlyList<PartialSum> Partials, nint Result);

    public long Generation => meeting.Generation;
    public int Rank => rank;
    public int Size => meeting.Size;

    public void TreeSum(int slots, IReadOnlyList<PartialSum> local, nint result, long length, TimeSpan deadline)
    {
        foreach (var partial in local)
            if (partial.Length != length) throw new ArgumentException($"the sum over {partial.Range} has {partial.Length} floats, not {length}", nameof(local));
        var everybody = meeting.Meet(rank, new Contribution(local, result), deadline).Cast<Contribution>().ToArray();
        // Every rank sees the same sums, so that all come to the same answer here and none waits for one that has thrown.
        var partials = everybody.SelectMany(one => one.Partials).ToArray();
        if (!ReductionTree.IsCover(slots, [.. partials.Select(partial => partial.Range)]))
            throw new ArgumentException($"the sums {string.Join(", ", partials.Select(partial => partial.Range))} do not make up {slots} slots", nameof(local));
        var sums = partials.ToDictionary(partial => partial.Range, partial => partial.Address);

        // Each rank makes a part of the result, of whole cache lines, and writes it to everybody.
        const long line = 16;
        var lines = (length + line - 1) / line;
        long begin = lines * rank / Size * line, end = Math.Min(length, lines * (rank + 1) / Size * line);
        meeting.Inside(() =>
        {
            var scratch = new Stack<float[]>();
            for (var at = begin; at < end && !meeting.Aborted; at += BlockFloats)
            {
                var count = (int)Math.Min(BlockFloats, end - at);
                var sum = Combine(new SlotRange(0, slots), at, count, sums, scratch);
                foreach (var one in everybody) Span(sum, count).CopyTo(new Span<float>((float*)one.Result + at, count));
                if (sum.Rented is { } rented) scratch.Push(rented);
            }
        });
        meeting.Meet(rank, null, deadline);
    }

    public byte[][] AllGather(ReadOnlyMemory<byte> local, TimeSpan deadline) =>
        [.. meeting.Meet(rank, local.ToArray(), deadline).Select(bytes => (byte[])bytes!)];

    public void Broadcast(int root, IReadOnlyCollection<int> receivers, nint address, long bytes, TimeSpan deadline)
    {
        var addresses = meeting.Meet(rank, address, deadline);
        if (rank != root && receivers.Contains(rank))
            meeting.Inside(() =>
            {
                const long block = 1 << 20;
                var source = (byte*)(nint)addresses[root]!;
                var target = (byte*)address;
                for (var at = 0L; at < bytes && !meeting.Aborted; at += block) Buffer.MemoryCopy(source + at, target + at, block, Math.Min(block, bytes - at));
            });
        meeting.Meet(rank, null, deadline);
    }

    public void Barrier(TimeSpan deadline) => meeting.Meet(rank, null, deadline);

    public void Abort(string reason) => meeting.Abort(reason);

    public void Dispose() => meeting.Abort($"rank {rank} has left");

    /// <summary>The sum over a node, either where a rank keeps it or in a scratch block that the caller gives back.</summary>
    private static (nint Address, float[]? Rented) Combine(SlotRange node, long at, int count, Dictionary<SlotRange, nint> sums, Stack<float[]> scratch)
    {
        if (sums.TryGetValue(node, out var address)) return ((nint)((float*)address + at), null);
        if (node.Count == 1) throw new ArgumentException($"no rank holds slot {node.First}", nameof(sums));
        var (leftNode, rightNode) = ReductionTree.Split(node);
        var left = Combine(leftNode, at, count, sums, scratch);
        var right = Combine(rightNode, at, count, sums, scratch);
        var sum = left.Rented ?? right.Rented ?? (scratch.TryPop(out var free) ? free : new float[BlockFloats]);
        TensorPrimitives.Add(Span(left, count), Span(right, count), sum.AsSpan(0, count));
        if (right.Rented is not null && right.Rented != sum) scratch.Push(right.Rented);
        return (0, sum);
    }

    private static ReadOnlySpan<float> Span((nint Address, float[]? Rented) block, int count) =>
        block.Rented is { } array ? array.AsSpan(0, count) : new ReadOnlySpan<float>((void*)block.Address, count);
}
