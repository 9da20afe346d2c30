using Tulu2.Collectives.Layout;
using Tulu2.Collectives.Reduction;

namespace Tulu2.Collectives.InProcess;

/// <summary>One rank's end of a group whose ranks share their memory: each reads the buffers of the others in place.</summary>
/// <param name="ranks">The group's ranks, by their numbers in the generation.</param>
/// <param name="rank">This rank's number in the group.</param>
/// <param name="isWorld">The group of all ranks, which ends the generation when disposed.</param>
internal sealed unsafe class InProcessCollective(InProcessGeneration generation, int[] ranks, int rank, bool isWorld) : ICollective
{
    private readonly Rendezvous _rendezvous = generation.RendezvousOf(ranks);

    private sealed record Contribution(IReadOnlyList<PartialSum> Partials, ElementRange Wanted, nint Result);

    public long Generation => generation.Number;
    public int Rank => rank;
    public int Size => ranks.Length;

    public void TreeSum(int slots, IReadOnlyList<PartialSum> local, ElementRange wanted, nint result, long length, TimeSpan deadline)
    {
        CallArguments.CheckTreeSum(local, wanted, length);
        var all = _rendezvous.Meet(rank, new Contribution(local, wanted, result), deadline).Cast<Contribution>().ToArray();
        // Every rank sees the same sums, so either all throw here or none does, and no rank waits for one that has thrown.
        var partials = all.SelectMany(one => one.Partials).ToArray();
        SlotRange[] nodes = [.. partials.Select(partial => partial.Range)];
        ReductionTree.CheckCover(slots, nodes);

        // Each rank sums one part and writes it to every rank that wants it. Parts consist of whole cache lines.
        var part = RowShares.Aligned(length, rank, Size, alignment: 16);
        _rendezvous.Share(() =>
        {
            var program = new TreeProgram(new SlotRange(0, slots), nodes);
            var operands = new nint[partials.Length];
            var block = GC.AllocateUninitializedArray<float>(TreeProgram.BlockFloats);
            fixed (float* sum = block)
                for (var at = part.First; at < part.End && !_rendezvous.Aborted; at += block.Length)
                {
                    var count = (int)Math.Min(block.Length, part.End - at);
                    for (var index = 0; index < operands.Length; index++) operands[index] = partials[index].Address + (nint)(at * sizeof(float));
                    program.Run(operands, (nint)sum, count);
                    foreach (var one in all) Copy(sum, new ElementRange(at, count), one);
                }
        });
        _rendezvous.Meet(rank, null, deadline);
    }

    public byte[][] AllGather(ReadOnlyMemory<byte> local, TimeSpan deadline) =>
        [.. _rendezvous.Meet(rank, local.ToArray(), deadline).Select(bytes => (byte[])bytes!)];

    public void AllReduce(nint address, long length, ElementType type, ReduceOperation operation, TimeSpan deadline)
    {
        var addresses = Array.ConvertAll(_rendezvous.Meet(rank, address, deadline), contributed => (nint)contributed!);
        var own = RowShares.Aligned(length, rank, Size, alignment: 32);
        // Each rank reduces one part into its own buffer; once all have done so, each copies the other parts.
        _rendezvous.Share(() =>
        {
            if (own.Count > 0 && !_rendezvous.Aborted) GroupReduction.Into(addresses, rank, own.First, own.Count, type, operation);
        });
        _rendezvous.Meet(rank, null, deadline);
        var size = GroupReduction.SizeOf(type);
        _rendezvous.Share(() =>
        {
            for (var other = 0; other < Size && !_rendezvous.Aborted; other++)
                if (other != rank) CopyBytes(addresses[other], address, RowShares.Aligned(length, other, Size, alignment: 32), size);
        });
        _rendezvous.Meet(rank, null, deadline);
    }

    public void AllGather(nint buffer, IReadOnlyList<ElementRange> parts, TimeSpan deadline)
    {
        var addresses = _rendezvous.Meet(rank, buffer, deadline);
        _rendezvous.Share(() =>
        {
            for (var other = 0; other < Size && !_rendezvous.Aborted; other++)
                if (other != rank) CopyBytes((nint)addresses[other]!, buffer, parts[other], 1);
        });
        _rendezvous.Meet(rank, null, deadline);
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
        if (message.Length != bytes) throw new ArgumentException($"rank {sender} sent {message.Length} bytes instead of {bytes}", nameof(bytes));
        message.CopyTo(new Span<byte>((void*)address, message.Length));
    }

    public ICollective Group(IReadOnlyList<int> members)
    {
        var own = CallArguments.RankIn(members, rank);
        return new InProcessCollective(generation, [.. members.Select(member => ranks[member])], own, isWorld: false);
    }

    public void Broadcast(int root, IReadOnlyCollection<int> receivers, nint address, long bytes, TimeSpan deadline)
    {
        CallArguments.CheckBroadcast(root, receivers, Size);
        var addresses = _rendezvous.Meet(rank, address, deadline);
        if (rank != root && receivers.Contains(rank))
            _rendezvous.Share(() =>
            {
                const long block = 1 << 20;
                for (var at = 0L; at < bytes && !_rendezvous.Aborted; at += block)
                    CopyBytes((nint)addresses[root]!, address, new ElementRange(at, Math.Min(block, bytes - at)), 1);
            });
        _rendezvous.Meet(rank, null, deadline);
    }

    public void Barrier(TimeSpan deadline) => _rendezvous.Meet(rank, null, deadline);

    public void Abort(string reason) => generation.Abort(reason);

    public void Dispose()
    {
        if (isWorld) generation.Abort($"rank {rank} has left");
    }

    // Copies the elements of a summed block that a rank wants to its result.
    private static void Copy(float* sum, ElementRange block, Contribution to)
    {
        long first = Math.Max(block.First, to.Wanted.First), end = Math.Min(block.End, to.Wanted.End);
        if (first >= end) return;
        var bytes = (end - first) * sizeof(float);
        Buffer.MemoryCopy(sum + (first - block.First), (float*)to.Result + (first - to.Wanted.First), bytes, bytes);
    }

    // Copies a range of elements between two buffers.
    private static void CopyBytes(nint source, nint target, ElementRange range, int elementSize)
    {
        var bytes = range.Count * elementSize;
        if (bytes > 0) Buffer.MemoryCopy((byte*)source + range.First * elementSize, (byte*)target + range.First * elementSize, bytes, bytes);
    }
}
