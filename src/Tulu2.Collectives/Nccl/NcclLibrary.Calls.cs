using System.Runtime.InteropServices;

namespace Tulu2.Collectives.Nccl;

internal sealed unsafe partial class NcclLibrary
{
    private int _version;

    public int Version
    {
        get
        {
            if (_version != 0) return _version;
            int version;
            Check("ncclGetVersion", ((delegate* unmanaged<int*, NcclResult>)Export("ncclGetVersion"))(&version));
            return _version = version;
        }
    }

    public NcclResult GetUniqueId(Span<byte> id)
    {
        if (id.Length != UniqueIdBytes) throw new ArgumentException($"the id has {id.Length} bytes instead of {UniqueIdBytes}", nameof(id));
        fixed (byte* bytes = id) return ((delegate* unmanaged<byte*, NcclResult>)Export("ncclGetUniqueId"))(bytes);
    }

    public NcclResult InitRank(int size, ReadOnlySpan<byte> id, int rank, NcclHandle created)
    {
        if (id.Length != UniqueIdBytes) throw new ArgumentException($"the id has {id.Length} bytes instead of {UniqueIdBytes}", nameof(id));
        UniqueId unique;
        id.CopyTo(new Span<byte>(unique.Internal, UniqueIdBytes));
        var config = Config.NonBlocking;
        return ((delegate* unmanaged<nint*, int, UniqueId, int, Config*, NcclResult>)Export("ncclCommInitRankConfig"))(
            created.Cell, size, unique, rank, &config);
    }

    public NcclResult Split(nint communicator, int color, int key, NcclHandle created)
    {
        var config = Config.NonBlocking;
        return ((delegate* unmanaged<nint, int, int, nint*, Config*, NcclResult>)Export("ncclCommSplit"))(communicator, color, key, created.Cell, &config);
    }

    public NcclResult GetAsyncError(nint communicator, out NcclResult state)
    {
        NcclResult now;
        var result = ((delegate* unmanaged<nint, NcclResult*, NcclResult>)Export("ncclCommGetAsyncError"))(communicator, &now);
        state = now;
        return result;
    }

    public NcclResult Destroy(nint communicator) => CallOn("ncclCommDestroy", communicator);

    public NcclResult Abort(nint communicator) => CallOn("ncclCommAbort", communicator);

    public NcclResult GroupStart() => ((delegate* unmanaged<NcclResult>)Export("ncclGroupStart"))();

    public NcclResult GroupEnd() => ((delegate* unmanaged<NcclResult>)Export("ncclGroupEnd"))();

    public NcclResult Send(nint source, long count, ElementType type, int peer, nint communicator, nint stream) =>
        ((delegate* unmanaged<nint, nuint, int, int, nint, nint, NcclResult>)Export("ncclSend"))(source, (nuint)count, Code(type), peer, communicator, stream);

    public NcclResult Receive(nint target, long count, ElementType type, int peer, nint communicator, nint stream) =>
        ((delegate* unmanaged<nint, nuint, int, int, nint, nint, NcclResult>)Export("ncclRecv"))(target, (nuint)count, Code(type), peer, communicator, stream);

    public NcclResult AllReduce(nint source, nint target, long count, ElementType type, ReduceOperation operation, nint communicator, nint stream) =>
        ((delegate* unmanaged<nint, nint, nuint, int, int, nint, nint, NcclResult>)Export("ncclAllReduce"))(
            source, target, (nuint)count, Code(type), Code(operation), communicator, stream);

    public string Describe(NcclResult result) =>
        Marshal.PtrToStringUTF8(((delegate* unmanaged<NcclResult, nint>)Export("ncclGetErrorString"))(result)) ?? result.ToString();

    private NcclResult CallOn(string name, nint communicator) => ((delegate* unmanaged<nint, NcclResult>)Export(name))(communicator);

    // Values of ncclDataType_t and ncclRedOp_t.
    private static int Code(ElementType type) => type == ElementType.Float32 ? 7 : 9;

    private static int Code(ReduceOperation operation) => operation == ReduceOperation.Sum ? 0 : 2;

    private nint Export(string name) => NativeLibrary.GetExport(_library, name);

    private void Check(string call, NcclResult result)
    {
        if (result != NcclResult.Success) throw new NcclException(call, result, Describe(result));
    }
}
