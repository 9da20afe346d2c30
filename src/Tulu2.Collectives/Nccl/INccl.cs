using System.Runtime.InteropServices;

namespace Tulu2.Collectives.Nccl;

/// <summary>Result of an NCCL call (<c>ncclResult_t</c> in nccl.h).</summary>
public enum NcclResult
{
    Success = 0,
    UnhandledCudaError = 1,
    SystemError = 2,
    InternalError = 3,
    InvalidArgument = 4,
    InvalidUsage = 5,
    RemoteError = 6,

    /// <summary>The non-blocking call is still in progress: query the communicator's state again.</summary>
    InProgress = 7,
    Timeout = 8,
}

/// <summary>
/// The NCCL functions in use, one method each; tests replace them by a fake. Addresses are device memory; calls that move data are only enqueued on the stream.
/// Communicators are non-blocking: a call may return <see cref="NcclResult.InProgress"/>.
/// </summary>
internal interface INccl
{
    /// <summary>For example 21805 for 2.18.5.</summary>
    int Version { get; }

    NcclResult GetUniqueId(Span<byte> id);

    NcclResult InitRank(int size, ReadOnlySpan<byte> id, int rank, NcclHandle created);

    /// <summary>Collective over the communicator: ranks of the same color form a new one, ordered by key.</summary>
    NcclResult Split(nint communicator, int color, int key, NcclHandle created);

    NcclResult GetAsyncError(nint communicator, out NcclResult state);

    NcclResult Destroy(nint communicator);

    /// <summary>Also frees the communicator: no call may follow.</summary>
    NcclResult Abort(nint communicator);

    NcclResult GroupStart();

    NcclResult GroupEnd();

    NcclResult Send(nint source, long count, ElementType type, int peer, nint communicator, nint stream);

    NcclResult Receive(nint target, long count, ElementType type, int peer, nint communicator, nint stream);

    NcclResult AllReduce(nint source, nint target, long count, ElementType type, ReduceOperation operation, nint communicator, nint stream);

    string Describe(NcclResult result);
}

/// <summary>
/// The memory to which NCCL writes the communicator it creates. NCCL may do so after the call has returned, so this is native memory, freed only once the
/// communicator is known to exist; a communicator that is never created leaks eight bytes.
/// </summary>
internal sealed unsafe class NcclHandle
{
    private readonly nint* _cell = (nint*)NativeMemory.AllocZeroed((nuint)sizeof(nint));

    public nint* Cell => _cell;

    /// <summary>Valid until <see cref="Take"/>.</summary>
    public nint Value
    {
        get => *_cell;
        set => *_cell = value;
    }

    /// <summary>Returns the communicator and frees the memory. Called once, after the call that creates the communicator is complete.</summary>
    public nint Take()
    {
        var value = *_cell;
        NativeMemory.Free(_cell);
        return value;
    }
}

/// <summary>NCCL rejected a call for a reason that a new generation does not change.</summary>
public sealed class NcclException(string call, NcclResult result, string description) : Exception($"NCCL: {call} ended with {result}: {description}")
{
    public string Call { get; } = call;
    public NcclResult Result { get; } = result;
}

/// <summary>This machine has no NCCL, or one that is too old.</summary>
public sealed class NcclMissingException(string message) : Exception(message);
