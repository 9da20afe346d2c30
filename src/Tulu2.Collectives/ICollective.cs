namespace Tulu2.Collectives;

/// <summary>A contiguous, non-empty range of slots [First, First + Count).</summary>
public readonly record struct SlotRange(int First, int Count)
{
    public int End => First + Count;
    public override string ToString() => $"{First}..{End - 1}";
}

/// <summary>A partial sum over the slots of one node of the reduction tree, as a flat fp32 buffer in host memory.</summary>
/// <param name="Range">The slots summed; always a node of the tree over all slots of the step.</param>
/// <param name="Address">First float; the memory outlives the call it is passed to.</param>
/// <param name="Length">Number of floats.</param>
public readonly record struct PartialSum(SlotRange Range, nint Address, long Length);

/// <summary>A contiguous run of elements of a flat buffer.</summary>
public readonly record struct ElementRange(long First, long Count)
{
    public long End => First + Count;
}

/// <summary>What a buffer holds.</summary>
public enum ElementType
{
    Float32,

    /// <summary>Each sum is made in fp32 and rounded to nearest, ties to even, as libtorch does.</summary>
    BFloat16,
}

public enum ReduceOperation
{
    /// <summary>The fixed binary tree over the ranks of the group (<see cref="Reduction.ReductionTree"/>).</summary>
    Sum,

    /// <summary>Element-wise; exact in any order.</summary>
    Max,
}

/// <summary>A pending call was ended because its generation is over or a peer is gone. The caller waits for the next generation.</summary>
public class CollectiveAbortedException(long generation, string reason)
    : Exception($"collective of generation {generation} aborted: {reason}")
{
    public long Generation { get; } = generation;
}

/// <summary>
/// The calls that move tensors between the ranks of a group within one generation. Every rank of the group makes the same calls in the same order (Send and
/// Receive excepted, which only two meet in); each ends with the same bytes on every rank, with <see cref="CollectiveAbortedException"/> once the
/// generation is over, or with a <see cref="TimeoutException"/> at its deadline, which ends the generation too. Never hangs. Not thread-safe: one caller
/// per rank and group, except <see cref="Abort"/>. All addresses are host memory, which is neither read nor written once the call has ended, however it ends.
/// </summary>
public interface ICollective : IDisposable
{
    long Generation { get; }

    /// <summary>This rank's number within the group.</summary>
    int Rank { get; }

    /// <summary>Ranks of the group.</summary>
    int Size { get; }

    /// <summary>
    /// The calls among some of this group's ranks. Costs no message: every rank of <paramref name="ranks"/> asks for the same list. Calls of different groups
    /// may be under way at once; an abort of any group ends the generation for all. Disposing a group does nothing; it ends with the generation's own collective.
    /// </summary>
    /// <param name="ranks">Numbers within this group, ascending, this rank's among them. The new group numbers them from 0.</param>
    ICollective Group(IReadOnlyList<int> ranks);

    /// <summary>
    /// Reduction by the fixed binary tree over slot numbers 0..<paramref name="slots"/>-1 (split at the largest power of two below the size). The partial
    /// sums of all ranks together cover every slot exactly once. The result is the same to the last bit however they are spread. An all-reduce where every
    /// rank wants everything, a reduce-scatter where each wants a part of its own.
    /// </summary>
    /// <param name="local">This rank's partial sums, in slot order; may be empty. They are only read, so that they outlive an aborted call.</param>
    /// <param name="wanted">The part of the sum this rank is to get; ranks may want different, also overlapping or empty, parts.</param>
    /// <param name="result">Address of <paramref name="wanted"/>.Count floats; undefined after an aborted call.</param>
    /// <param name="length">Floats in each partial sum, the same on all ranks.</param>
    void TreeSum(int slots, IReadOnlyList<PartialSum> local, ElementRange wanted, nint result, long length, TimeSpan deadline);

    /// <summary>In place, on every rank: the reduction of one buffer of each rank. Undefined content after an aborted call.</summary>
    void AllReduce(nint address, long length, ElementType type, ReduceOperation operation, TimeSpan deadline);

    /// <summary>Every rank's bytes to every rank; the index is the rank.</summary>
    byte[][] AllGather(ReadOnlyMemory<byte> local, TimeSpan deadline);

    /// <summary>In place: each rank's part of a buffer of the same size to every rank.</summary>
    /// <param name="parts">By rank: which bytes of the buffer this rank gives. They do not overlap.</param>
    void AllGather(nint buffer, IReadOnlyList<ElementRange> parts, TimeSpan deadline);

    /// <summary>Copies <paramref name="bytes"/> bytes at <paramref name="address"/> from <paramref name="root"/> to all ranks named in <paramref name="receivers"/>; the others only meet them.</summary>
    void Broadcast(int root, IReadOnlyCollection<int> receivers, nint address, long bytes, TimeSpan deadline);

    /// <summary>
    /// To one rank. Returns once the memory may be used again; does not wait for the receiver as long as fewer than <see cref="SendWindow"/> messages are under
    /// way from here to there; beyond that it may wait or not. Messages between two ranks of a group arrive in order.
    /// </summary>
    void Send(int receiver, nint address, long bytes, TimeSpan deadline);

    /// <summary>From one rank; the sizes of both ends are equal.</summary>
    void Receive(int sender, nint address, long bytes, TimeSpan deadline);

    void Barrier(TimeSpan deadline);

    /// <summary>Ends every pending and later call of this generation on this rank and its peers. Callable from any thread, more than once.</summary>
    void Abort(string reason);

    /// <summary>Messages from one rank to another that at least may wait to be received.</summary>
    const int SendWindow = 4;
}

/// <summary>Joins ranks to generations; one per data plane.</summary>
public interface ICollectiveFactory
{
    /// <summary>Where peers reach this end of the data plane; every rank hears everybody's before it joins.</summary>
    string Endpoint { get; }

    /// <summary>Returns at once; the first call meets the peers. Joining aborts every older generation of the data plane.</summary>
    /// <param name="endpoints">By rank; their number is the size of the generation.</param>
    ICollective Join(long generation, int rank, IReadOnlyList<string> endpoints);
}
