using System.Collections.Concurrent;
using Tulu2.Collectives;
using Tulu2.Collectives.Nccl;
using Tulu2.Collectives.Reduction;

namespace Tulu2.Tests.Collectives.Nccl;

/// <summary>NCCL in memory: ranks are threads, "device memory" is the host's, and bytes really move from one rank's addresses to the other's.</summary>
internal sealed unsafe class FakeNccl : INccl
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Clique> _cliques = [];
    private readonly ConcurrentDictionary<nint, Member> _members = new();
    private readonly ThreadLocal<List<Action>?> _group = new();
    private int _ids;
    private nint _handles;

    /// <summary>Ranks that meet in a communicator, and the messages between each two of them.</summary>
    private sealed class Clique(int size)
    {
        public int Size => size;
        public BlockingCollection<byte[]>[] Messages { get; } = [.. Enumerable.Range(0, size * size).Select(_ => new BlockingCollection<byte[]>())];
        public nint[] Addresses { get; } = new nint[size];
        public Barrier Meet { get; } = new(size);
    }

    private sealed record Member(Clique Clique, string Name, int Rank)
    {
        public int Splits;
        public bool Aborted;
    }

    public int Calls;
    public int Aborts;
    public int Destroyed;

    /// <summary>What the communicators say of themselves.</summary>
    public Func<NcclResult> State { get; set; } = () => NcclResult.Success;

    /// <summary>Messages between ranks are lost, as where a peer is gone.</summary>
    public bool LosesMessages { get; set; }

    public int Alive => _members.Values.Count(member => !member.Aborted);

    public int Version => 22000;

    public NcclResult GetUniqueId(Span<byte> id)
    {
        id.Clear();
        BitConverter.TryWriteBytes(id, Interlocked.Increment(ref _ids));
        return NcclResult.Success;
    }

    public NcclResult InitRank(int size, ReadOnlySpan<byte> id, int rank, NcclHandle made) => Enter(Convert.ToHexString(id), size, rank, made);

    public NcclResult Split(nint communicator, int color, int key, NcclHandle made)
    {
        var member = Of(communicator);
        // Everybody says which colour, so that each knows how many are of its own.
        member.Clique.Addresses[member.Rank] = color;
        member.Clique.Meet.SignalAndWait(Patience);
        var size = member.Clique.Addresses.Count(other => other == color);
        member.Clique.Meet.SignalAndWait(Patience);
        return Enter($"{member.Name}/{member.Splits++}:{color}", size, key, made);
    }

    public NcclResult GetAsyncError(nint communicator, out NcclResult state)
    {
        Of(communicator);
        state = State();
        return NcclResult.Success;
    }

    public NcclResult Finalize(nint communicator) => NcclResult.Success;

    public NcclResult Destroy(nint communicator)
    {
        Of(communicator);
        _members.TryRemove(communicator, out _);
        Interlocked.Increment(ref Destroyed);
        return NcclResult.Success;
    }

    public NcclResult Abort(nint communicator)
    {
        Of(communicator).Aborted = true;
        Interlocked.Increment(ref Aborts);
        return NcclResult.Success;
    }

    public NcclResult GroupStart()
    {
        if (_group.Value is not null) return NcclResult.InvalidUsage;
        _group.Value = [];
        return NcclResult.Success;
    }

    // Sends first: real NCCL makes them progress together.
    public NcclResult GroupEnd()
    {
        var calls = _group.Value!;
        _group.Value = null;
        foreach (var call in calls) call();
        return NcclResult.Success;
    }

    public NcclResult Send(nint source, long count, ElementType type, int peer, nint communicator, nint stream)
    {
        Interlocked.Increment(ref Calls);
        var member = Of(communicator);
        if (peer == member.Rank || _group.Value is not { } group) return NcclResult.InvalidUsage;
        if (!LosesMessages)
            group.Insert(0, () => member.Clique.Messages[member.Rank * member.Clique.Size + peer].Add(
                new ReadOnlySpan<byte>((void*)source, checked((int)count * GroupReduction.SizeOf(type))).ToArray()));
        return NcclResult.Success;
    }

    public NcclResult Receive(nint target, long count, ElementType type, int peer, nint communicator, nint stream)
    {
        Interlocked.Increment(ref Calls);
        var member = Of(communicator);
        if (_group.Value is not { } group) return NcclResult.InvalidUsage;
        if (LosesMessages) return NcclResult.Success;
        group.Add(() =>
        {
            if (!member.Clique.Messages[peer * member.Clique.Size + member.Rank].TryTake(out var bytes, Patience)) throw new TimeoutException("no message");
            if (bytes.Length != count * GroupReduction.SizeOf(type)) throw new InvalidOperationException($"{bytes.Length} bytes for {count} elements");
            bytes.CopyTo(new Span<byte>((void*)target, bytes.Length));
        });
        return NcclResult.Success;
    }

    public NcclResult AllReduce(nint source, nint target, long count, ElementType type, ReduceOperation operation, nint communicator, nint stream)
    {
        Interlocked.Increment(ref Calls);
        var (clique, rank) = (Of(communicator).Clique, Of(communicator).Rank);
        clique.Addresses[rank] = source;
        clique.Meet.SignalAndWait(Patience);
        var copies = clique.Addresses.Select(address => new ReadOnlySpan<byte>((void*)address, checked((int)count * GroupReduction.SizeOf(type))).ToArray()).ToArray();
        clique.Meet.SignalAndWait(Patience);
        var pins = copies.Select(copy => System.Runtime.InteropServices.GCHandle.Alloc(copy, System.Runtime.InteropServices.GCHandleType.Pinned)).ToArray();
        GroupReduction.Into([.. pins.Select(pin => pin.AddrOfPinnedObject())], 0, 0, count, type, operation);
        copies[0].CopyTo(new Span<byte>((void*)target, copies[0].Length));
        foreach (var pin in pins) pin.Free();
        return NcclResult.Success;
    }

    public NcclResult AllGather(nint source, nint target, long countOfEach, ElementType type, nint communicator, nint stream) => NcclResult.InvalidUsage;

    public NcclResult ReduceScatter(nint source, nint target, long countOfEach, ElementType type, ReduceOperation operation, nint communicator, nint stream) =>
        NcclResult.InvalidUsage;

    public NcclResult Broadcast(nint source, nint target, long count, ElementType type, int root, nint communicator, nint stream) => NcclResult.InvalidUsage;

    public string Describe(NcclResult result) => result.ToString();

    private NcclResult Enter(string name, int size, int rank, NcclHandle made)
    {
        lock (_gate)
        {
            if (!_cliques.TryGetValue(name, out var clique)) _cliques.Add(name, clique = new Clique(size));
            made.Value = ++_handles;
            _members[_handles] = new Member(clique, name, rank);
        }
        return NcclResult.Success;
    }

    // A handle that was aborted or destroyed is freed memory in the real library.
    private Member Of(nint communicator) => _members.TryGetValue(communicator, out var member) && !member.Aborted
        ? member
        : throw new InvalidOperationException($"communicator {communicator} is used after its end");
}

/// <summary>A stream that is idle when the test says so.</summary>
internal sealed class FakeStream(Func<bool>? isIdle = null) : INcclStream
{
    public nint Handle => 0;

    public bool IsIdle => isIdle?.Invoke() ?? true;
}
