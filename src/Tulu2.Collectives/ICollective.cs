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

/// <summary>A pending call was ended because its generation is over or a peer is gone. The caller waits for the next generation.</summary>
public sealed class CollectiveAbortedException(long generation, string reason)
    : Exception($"collective of generation {generation} aborted: {reason}")
{
    public long Generation { get; } = generation;
}

/// <summary>
/// The calls that move tensors between the ranks of one generation. Every rank of the generation makes the same calls in the same order; each ends
/// with the same bytes on every rank, with <see cref="CollectiveAbortedException"/> once the generation is over, or with a
/// <see cref="TimeoutException"/> at its deadline. Never hangs. Not thread-safe: one caller per rank, except <see cref="Abort"/>.
/// </summary>
public interface ICollective : IDisposable
{
    long Generation { get; }
    int Rank { get; }
    int Size { get; }

    /// <summary>
    /// All-reduce by the fixed binary tree over slot numbers 0..<paramref name="slots"/>-1 (split at the largest power of two below the size).
    /// The partial sums of all ranks together cover every slot exactly once. The result is the same to the last bit however they are spread.
    /// </summary>
    /// <param name="local">This rank's partial sums, in slot order; may be empty. They are only read, so that they outlive an aborted call.</param>
    /// <param name="result">Address of <paramref name="length"/> floats; undefined after an aborted call.</param>
    void TreeSum(int slots, IReadOnlyList<PartialSum> local, nint result, long length, TimeSpan deadline);

    /// <summary>Every rank's bytes to every rank; the index is the rank.</summary>
    byte[][] AllGather(ReadOnlyMemory<byte> local, TimeSpan deadline);

    /// <summary>Copies <paramref name="bytes"/> bytes at <paramref name="address"/> from <paramref name="root"/> to all ranks named in <paramref name="receivers"/>; the others only meet them.</summary>
    void Broadcast(int root, IReadOnlyCollection<int> receivers, nint address, long bytes, TimeSpan deadline);

    void Barrier(TimeSpan deadline);

    /// <summary>Ends every pending and later call of this generation on this rank and its peers. Callable from any thread, more than once.</summary>
    void Abort(string reason);
}

/// <summary>Joins ranks to generations; one per data plane.</summary>
public interface ICollectiveFactory
{
    /// <summary>Returns at once; the first call meets the peers. Joining aborts every older generation of the data plane.</summary>
    ICollective Join(long generation, int rank, int size);
}
