using System.Runtime.InteropServices;

namespace Tulu2.Collectives.Nccl;

/// <summary>What an NCCL call returns (<c>ncclResult_t</c> in nccl.h).</summary>
public enum NcclResult
{
    Success = 0,
    UnhandledCudaError = 1,
    SystemError = 2,
    InternalError = 3,
    InvalidArgument = 4,
    InvalidUsage = 5,
    RemoteError = 6,

    /// <summary>Of a communicator that does not block: ask for its state again.</summary>
    InProgress = 7,
    Timeout = 8,
}

/// <summary>
/// The part of NCCL that is used, call for call; addresses are device memory, and what moves data is only put on the stream. A fake stands in for it in
/// tests. Communicators do not block: a call may answer <see cref="NcclResult.InProgress"/>.
/// </summary>
public interface INccl
{
    /// <summary>Such as 21805.</summary>
    int Version { get; }

    NcclResult GetUniqueId(Span<byte> id);

    NcclResult InitRank(int size, ReadOnlySpan<byte> id, int rank, NcclHandle made);

    /// <summary>Collective over the communicator; ranks of one colour make a new one, in order of their keys.</summary>
    NcclResult Split(nint communicator, int color, int key, NcclHandle made);

    NcclResult GetAsyncError(nint communicator, out NcclResult state);

    NcclResult Finalize(nint communicator);

    NcclResult Destroy(nint communicator);

    /// <summary>Frees the communicator too: no call may follow.</summary>
    NcclResult Abort(nint communicator);

    NcclResult GroupStart();

    NcclResult GroupEnd();

    NcclResult Send(nint source, long count, ElementType type, int peer, nint communicator, nint stream);

    NcclResult Receive(nint target, long count, ElementType type, int peer, nint communicator, nint stream);

    NcclResult AllReduce(nint source, nint target, long count, ElementType type, ReduceOperation operation, nint communicator, nint stream);

    NcclResult AllGather(nint source, nint target, long countOfEach, ElementType type, nint communicator, nint stream);

    NcclResult ReduceScatter(nint source, nint target, long countOfEach, ElementType type, ReduceOperation operation, nint communicator, nint stream);

    NcclResult Broadcast(nint source, nint target, long count, ElementType type, int root, nint communicator, nint stream);

    string Describe(NcclResult result);
}

/// <summary>
/// Where NCCL writes the communicator it makes. It may do so after the call has returned, so that this is native memory, freed only once the communicator is
/// known to be there; of one that never comes eight bytes are lost.
/// </summary>
public sealed unsafe class NcclHandle
{
    private readonly nint* _cell = (nint*)NativeMemory.AllocZeroed((nuint)sizeof(nint));

    internal nint* Cell => _cell;

    /// <summary>Before <see cref="Take"/>.</summary>
    public nint Value
    {
        get => *_cell;
        set => *_cell = value;
    }

    /// <summary>The communicator, when nothing is under way any more; the last use of this.</summary>
    public nint Take()
    {
        var value = *_cell;
        NativeMemory.Free(_cell);
        return value;
    }
}

/// <summary>NCCL refused a call, for a reason that a new generation does not cure.</summary>
public sealed class NcclException(string call, NcclResult result, string description) : Exception($"NCCL: {call} ended with {result}: {description}")
{
    public string Call { get; } = call;
    public NcclResult Result { get; } = result;
}

/// <summary>There is no NCCL on this machine, or one that is too old.</summary>
public sealed class NcclMissingException(string what) : Exception(what);
