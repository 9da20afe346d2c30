using System.Numerics.Tensors;
using Tulu2.Collectives.Reduction;

namespace Tulu2.Collectives.InProcess;

/// <summary>One rank's end of a group whose ranks share their memory: everybody reads everybody's buffers in place.</summary>
/// <param name="ranks">The group's ranks by their numbers in the generation.</param>
/// <param name="rank">This rank's number in the group.</param>
/// <param name="isWorld">Disposing ends the generation.</param>
internal sealed unsafe class InProcessCollective(InProcessGeneration generation, int[] ranks, int rank, bool isWorld) : ICollective
{
    private readonly Rendezvous _meeting = generation.Meeting(ranks);

    // Blocks that stay in the second-level cache together with the few operands that are alive.
    private const int BlockFloats = 16 * 1024;

    private sealed record Contribution(IReadOnlyList<PartialSum> Partials, ElementRange Wanted, nint Result);

    public long Generation => generation.Number;
    public int Rank => rank;
    public int Size => ranks.Length;

    public void TreeSum(int slots, IReadOnlyList<PartialSum> local, ElementRange wanted, nint result, long length, TimeSpan deadline)
    {
        foreach (var partial in local)
            if (partial.Length != length) throw new ArgumentException($"the sum over {partial.Range} has {partial.Length} floats, not {length}", nameof(local));
        if (wanted.First < 0 || wanted.Count < 0 || wanted.End > length) throw new ArgumentOutOfRangeException(nameof(wanted), $"{wanted} is not within {length} floats");
        var everybody = _meeting.Meet(rank, new Contribution(local, wanted, result), deadline).Cast<Contribution>().ToArray();
        // Every rank sees the same sums, so that all come to the same answer here and none waits for one that has thrown.
        var partials = everybody.SelectMany(one => one.Partials).ToArray();
        if (!ReductionTree.IsCover(slots, [.. partials.Select(partial => partial.Range)]))
            throw new ArgumentException($"the sums {string.Join(", ", partials.Select(partial => partial.Range))} do not make up {slots} slots", nameof(local));
        var sums = partials.ToDictionary(partial => partial.Range, partial => partial.Address);

        // Each rank makes a part of the result, of whole cache lines, and writes it to whoever wants it.
        const long line = 16;
        var lines = (length + line - 1) / line;
        long begin = lines * rank / Size * line, end = Math.Min(length, lines * (rank + 1) / Size * line);
        _meeting.Inside(() =>
        {
            var scratch = new Stack<float[]>();
            for (var at = begin; at < end && !_meeting.Aborted; at += BlockFloats)
            {
                var count = (int)Math.Min(BlockFloats, end - at);
                var sum = Combine(new SlotRange(0, slots), at, count, sums, scratch);
                foreach (var one in everybody)
                {
                    long from = Math.Max(at, one.Wanted.First), to = Math.Min(at + count, one.Wanted.End);
                    if (from < to)
                        Span(sum, count)[(int)(from - at)..(int)(to - at)].CopyTo(new Span<float>((float*)one.Result + (from - one.Wanted.First), (int)(to - from)));
                }
                if (sum.Rented is { } rented) scratch.Push(rented);
            }
        });
        _meeting.Meet(rank, null, deadline);
    }

    public byte[][] AllGather(ReadOnlyMemory<byte> local, TimeSpan deadline) =>
        [.. _meeting.Meet(rank, local.ToArray(), deadline).Select(bytes => (byte[])bytes!)];

    public void AllReduce(nint address, long length, ElementType type, ReduceOperation operation, TimeSpan deadline)
    {
        var addresses = Array.ConvertAll(_meeting.Meet(rank, address, deadline), brought => (nint)brought!);
        const long line = 32;
        var lines = (length + line - 1) / line;
        long begin = lines * rank / Size * line, end = Math.Min(length, lines * (rank + 1) / Size * line);
        // Each rank makes a part of the result in place of its own part, and once all have theirs everybody copies the others'.
        _meeting.Inside(() =>
        {
            if (begin < end && !_meeting.Aborted) GroupReduction.Into(addresses, rank, begin, end - begin, type, operation);
        });
        _meeting.Meet(rank, null, deadline);
        var size = GroupReduction.SizeOf(type);
        _meeting.Inside(() =>
        {
            for (var other = 0; other < Size && !_meeting.Aborted; other++)
            {
                if (other == rank) continue;
                long from = lines * other / Size * line, to = Math.Min(length, lines * (other + 1) / Size * line);
                if (from < to) Buffer.MemoryCopy((byte*)addresses[other] + from * size, (byte*)address + from * size, (to - from) * size, (to - from) * size);
            }
        });
        _meeting.Meet(rank, null, deadline);
    }

    public void AllGather(nint buffer, IReadOnlyList<ElementRange> parts, TimeSpan deadline)
    {
        var addresses = _meeting.Meet(rank, buffer, deadline);
        _meeting.Inside(() =>
        {
            for (var other = 0; other < Size && !_meeting.Aborted; other++)
                if (other != rank)
                    Buffer.MemoryCopy((byte*)(nint)addresses[other]! + parts[other].First, (byte*)buffer + parts[other].First, parts[other].Count, parts[other].Count);
        });
        _meeting.Meet(rank, null, deadline);
    }

    public void Send(int receiver, nint address, long bytes, TimeSpan deadline)
    {
        var message = GC.AllocateUninitializedArray<byte>(checked((int)bytes));
        new ReadOnlySpan<byte>((void*)address, message.Length).CopyTo(message);
        generation.Messages(ranks[rank], ranks[receiver]).Put(message, deadline);
    }

    public void Receive(int sender, nint address, long bytes, TimeSpan deadline)
    {
        var message = generation.Messages(ranks[sender], ranks[rank]).Take(deadline);
        if (message.Length != bytes) throw new ArgumentException($"rank {sender} sent {message.Length} bytes, not {bytes}", nameof(bytes));
        message.CopyTo(new Span<byte>((void*)address, message.Length));
    }

    public ICollective Group(IReadOnlyList<int> members)
    {
        for (var index = 1; index < members.Count; index++)
            if (members[index] <= members[index - 1]) throw new ArgumentException($"group {string.Join(", ", members)}: not ascending", nameof(members));
        var mine = members.ToList().IndexOf(rank);
        if (mine < 0) throw new ArgumentException($"group {string.Join(", ", members)}: rank {rank} is not in it", nameof(members));
        return new InProcessCollective(generation, [.. members.Select(member => ranks[member])], mine, isWorld: false);
    }

    public void Broadcast(int root, IReadOnlyCollection<int> receivers, nint address, long bytes, TimeSpan deadline)
    {
        var addresses = _meeting.Meet(rank, address, deadline);
        if (rank != root && receivers.Contains(rank))
            _meeting.Inside(() =>
            {
                const long block = 1 << 20;
                var source = (byte*)(nint)addresses[root]!;
                var target = (byte*)address;
                for (var at = 0L; at < bytes && !_meeting.Aborted; at += block) Buffer.MemoryCopy(source + at, target + at, block, Math.Min(block, bytes - at));
            });
        _meeting.Meet(rank, null, deadline);
    }

    public void Barrier(TimeSpan deadline) => _meeting.Meet(rank, null, deadline);

    public void Abort(string reason) => generation.Abort(reason);

    public void Dispose()
    {
        if (isWorld) generation.Abort($"rank {rank} has left");
    }

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
