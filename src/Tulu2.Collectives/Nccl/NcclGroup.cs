using Tulu2.Collectives.Layout;
using Tulu2.Collectives.Reduction;

namespace Tulu2.Collectives.Nccl;

/// <summary>
/// A group's calls on device memory. Sums are bitwise the same as on every other transport: each rank receives its part of the buffer from all others, sums
/// them by the fixed tree over the ranks, and sends the sum to all; this moves 2 (n - 1) / n of the bytes in two rounds, as NCCL's ring all-reduce does. <see
/// cref="SumAnyOrder"/> is NCCL's all-reduce, if bits may differ. One caller, except for <see cref="Abort"/>.
/// </summary>
public sealed class NcclGroup : IDisposable
{
    private readonly NcclCommunicator _communicator;

    internal NcclGroup(NcclCommunicator communicator, int rank, int size)
    {
        _communicator = communicator;
        (Rank, Size) = (rank, size);
    }

    public int Rank { get; }
    public int Size { get; }

    /// <summary>
    /// The elements a rank sums. Parts begin at multiples of 16 elements, so that additions stay aligned, and differ by at most one block of 16.
    /// </summary>
    public ElementRange PartOf(int rank, long count) => RowShares.Aligned(count, rank, Size, alignment: 16);

    /// <summary>Number of elements in the largest part of <paramref name="count"/>: the size of a scratch block.</summary>
    public long LargestPart(long count) => Enumerable.Range(0, Size).Max(rank => PartOf(rank, count).Count);

    /// <summary>In place, on every rank: the sum by the fixed tree. Returns after the stream has completed it.</summary>
    public void Sum(nint address, long count, ElementType type, INcclTreeScratch scratch, TimeSpan deadline)
    {
        if (Size == 1 || count == 0) return;
        var bytes = GroupReduction.SizeOf(type);
        var (nccl, stream) = (_communicator.Nccl, _communicator.Stream.Handle);
        var own = PartOf(Rank, count);
        _communicator.Together(call => Others(peer =>
        {
            var part = PartOf(peer, count);
            if (part.Count > 0) call("ncclSend", handle => nccl.Send(address + (nint)(part.First * bytes), part.Count, type, peer, handle, stream));
            if (own.Count > 0) call("ncclRecv", handle => nccl.Receive(scratch.Block(peer), own.Count, type, peer, handle, stream));
        }), deadline);
        if (own.Count > 0)
        {
            scratch.Load(Rank, own.First, own.Count);
            Add(new SlotRange(0, Size), own.Count, scratch);
            scratch.Store(0, own.First, own.Count);
        }
        Share(address, peer => PartOf(peer, count), type, deadline);
        _communicator.Complete(deadline);
    }

    /// <summary>In place: sends each rank's part of an equally large buffer to every rank. Returns after the stream has completed it.</summary>
    /// <param name="parts">By rank: the elements this rank contributes. Parts do not overlap.</param>
    public void AllGather(nint address, IReadOnlyList<ElementRange> parts, ElementType type, TimeSpan deadline)
    {
        if (Size == 1) return;
        Share(address, peer => parts[peer], type, deadline);
        _communicator.Complete(deadline);
    }

    /// <summary>In place: NCCL's all-reduce, which sums in an order of its own.</summary>
    public void SumAnyOrder(nint address, long count, ElementType type, TimeSpan deadline) => AllReduce(address, count, type, ReduceOperation.Sum, deadline);

    /// <summary>In place: the element-wise maximum; exact in any order.</summary>
    public void Max(nint address, long count, ElementType type, TimeSpan deadline) => AllReduce(address, count, type, ReduceOperation.Max, deadline);

    /// <summary>
    /// Ends every pending and later call of this group on this rank. Its peers end at their deadline, or when the host's data plane ends the generation.
    /// </summary>
    public void Abort(string reason) => _communicator.Abort(reason);

    public void Dispose() => _communicator.Dispose();

    private void Share(nint address, Func<int, ElementRange> partOf, ElementType type, TimeSpan deadline)
    {
        var bytes = GroupReduction.SizeOf(type);
        var (nccl, stream, own) = (_communicator.Nccl, _communicator.Stream.Handle, partOf(Rank));
        _communicator.Together(call => Others(peer =>
        {
            var part = partOf(peer);
            if (own.Count > 0) call("ncclSend", handle => nccl.Send(address + (nint)(own.First * bytes), own.Count, type, peer, handle, stream));
            if (part.Count > 0) call("ncclRecv", handle => nccl.Receive(address + (nint)(part.First * bytes), part.Count, type, peer, handle, stream));
        }), deadline);
    }

    private void AllReduce(nint address, long count, ElementType type, ReduceOperation operation, TimeSpan deadline)
    {
        if (Size == 1 || count == 0) return;
        var (nccl, stream) = (_communicator.Nccl, _communicator.Stream.Handle);
        _communicator.Call("ncclAllReduce", handle => nccl.AllReduce(address, address, count, type, operation, handle, stream));
        _communicator.Complete(deadline);
    }

    // As in GroupReduction: a node's sum replaces its left block.
    private static void Add(SlotRange node, long count, INcclTreeScratch scratch)
    {
        if (node.Count == 1) return;
        var (left, right) = ReductionTree.Split(node);
        Add(left, count, scratch);
        Add(right, count, scratch);
        scratch.Add(left.First, right.First, count);
    }

    private void Others(Action<int> each)
    {
        for (var step = 1; step < Size; step++) each((Rank + step) % Size);
    }
}
