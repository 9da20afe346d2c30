namespace Tulu2.Collectives;

/// <summary>
/// The calls that move tensors between the ranks of a group within one generation. Every rank of the group makes the same calls in the same order; Send and
/// Receive are the exception and involve two ranks only. Each call ends with the same bytes on every rank, with <see cref="CollectiveAbortedException"/> once
/// the generation is over, or with a <see cref="TimeoutException"/> at its deadline, which also ends the generation. It never hangs. Not thread-safe: one
/// caller per rank and group, except for <see cref="Abort"/>. All addresses are host memory, which is neither read nor written after the call has ended,
/// however it ended.
/// </summary>
public interface ICollective : IDisposable
{
    long Generation { get; }

    /// <summary>This rank's number within the group.</summary>
    int Rank { get; }

    /// <summary>Number of ranks in the group.</summary>
    int Size { get; }

    /// <summary>
    /// A subgroup of this group. Costs no message: every rank of <paramref name="ranks"/> asks for the same list. Calls of different groups may be in progress
    /// at the same time; aborting any group ends the generation for all of them. Disposing a subgroup does nothing; it ends with the generation's own
    /// collective.
    /// </summary>
    /// <param name="ranks">Ranks within this group, ascending, including this rank. The subgroup numbers them from 0.</param>
    ICollective Group(IReadOnlyList<int> ranks);

    /// <summary>
    /// Reduction by the fixed binary tree over slots 0..<paramref name="slots"/>-1 (split at the largest power of two below the size). The partial sums of all
    /// ranks together cover every slot exactly once. The result is bitwise the same however the slots are distributed. It is an all-reduce if every rank wants
    /// all elements, and a reduce-scatter if each rank wants a part of its own.
    /// </summary>
    /// <param name="local">This rank's partial sums in slot order; may be empty. They are only read, so they survive an aborted call.</param>
    /// <param name="wanted">The elements of the sum this rank receives; ranks may ask for different, overlapping or empty ranges.</param>
    /// <param name="result">Address of <paramref name="wanted"/>.Count floats; undefined after an aborted call.</param>
    /// <param name="length">Floats in each partial sum, the same on all ranks.</param>
    void TreeSum(int slots, IReadOnlyList<PartialSum> local, ElementRange wanted, nint result, long length, TimeSpan deadline);

    /// <summary>In place, on every rank: the reduction of one buffer per rank. The buffer's content is undefined after an aborted call.</summary>
    void AllReduce(nint address, long length, ElementType type, ReduceOperation operation, TimeSpan deadline);

    /// <summary>Sends every rank's bytes to every rank; the result is indexed by rank.</summary>
    byte[][] AllGather(ReadOnlyMemory<byte> local, TimeSpan deadline);

    /// <summary>In place: sends each rank's part of an equally large buffer to every rank.</summary>
    /// <param name="parts">By rank: the bytes of the buffer that this rank contributes. Parts do not overlap.</param>
    void AllGather(nint buffer, IReadOnlyList<ElementRange> parts, TimeSpan deadline);

    /// <summary>
    /// Copies <paramref name="bytes"/> bytes at <paramref name="address"/> from <paramref name="root"/> to the ranks in <paramref name="receivers"/>; the other
    /// ranks take part in the call without moving data.
    /// </summary>
    void Broadcast(int root, IReadOnlyCollection<int> receivers, nint address, long bytes, TimeSpan deadline);

    /// <summary>
    /// Sends a message to one rank and returns once the memory may be reused. Does not wait for the receiver as long as fewer than <see cref="SendWindow"/>
    /// messages to it are pending; beyond that it may wait. Messages between two ranks of a group arrive in order.
    /// </summary>
    void Send(int receiver, nint address, long bytes, TimeSpan deadline);

    /// <summary>Receives a message from one rank; both ends must name the same size.</summary>
    void Receive(int sender, nint address, long bytes, TimeSpan deadline);

    void Barrier(TimeSpan deadline);

    /// <summary>Ends every pending and later call of this generation on this rank and its peers. May be called from any thread and repeatedly.</summary>
    void Abort(string reason);

    /// <summary>Number of messages from one rank to another that can be pending before a send may block.</summary>
    const int SendWindow = 4;
}

/// <summary>Joins ranks to generations; one per data plane.</summary>
public interface ICollectiveFactory
{
    /// <summary>The address at which peers reach this end of the data plane; every rank knows all endpoints before it joins.</summary>
    string Endpoint { get; }

    /// <summary>Returns at once; the first call connects to the peers. Joining aborts every older generation of the data plane.</summary>
    /// <param name="endpoints">By rank; their number is the size of the generation.</param>
    ICollective Join(long generation, int rank, IReadOnlyList<string> endpoints);
}

/// <summary>A pending call ended because its generation is over or a peer is gone. The caller waits for the next generation.</summary>
public class CollectiveAbortedException(long generation, string reason)
    : Exception($"collective of generation {generation} aborted: {reason}")
{
    public long Generation { get; } = generation;
}
