using System.Collections.Concurrent;
using System.Runtime.InteropServices;
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

    /// <summary>The ranks of a communicator, and the messages between each pair of them.</summary>
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

    /// <summary>The asynchronous state that communicators report.</summary>
    public Func<NcclResult> State { get; set; } = () => NcclResult.Success;

    /// <summary>Messages between ranks are lost, as if the peer were gone.</summary>
    public bool LosesMessages { get; set; }

    public int Alive => _members.Values.Count(member => !member.Aborted);

    public int Version => 22000;

    public NcclResult GetUniqueId(Span<byte> id)
    {
        id.Clear();
        BitConverter.TryWriteBytes(id, Interlocked.Increment(ref _ids));
        return NcclResult.Success;
    }

    public NcclResult InitRank(int size, ReadOnlySpan<byte> id, int rank, NcclHandle created) => Enter(Convert.ToHexString(id), size, rank, created);

    public NcclResult Split(nint communicator, int color, int key, NcclHandle created)
    {
        var member = Of(communicator);
        // Every rank publishes its color, so that each knows the size of its own group.
        member.Clique.Addresses[member.Rank] = color;
        member.Clique.Meet.SignalAndWait(Patience);
        var size = member.Clique.Addresses.Count(other => other == color);
        member.Clique.Meet.SignalAndWait(Patience);
        return Enter($"{member.Name}/{member.Splits++}:{color}", size, key, created);
    }

    public NcclResult GetAsyncError(nint communicator, out NcclResult state)
    {
        Of(communicator);
        state = State();
        return NcclResult.Success;
    }

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

    // Sends run first, since each call here blocks; in NCCL they progress together.
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
            if (!member.Clique.Messages[peer * member.Clique.Size + member.Rank].TryTake(out var bytes, Patience))
                throw new TimeoutException("no message arrived");
            if (bytes.Length != count * GroupReduction.SizeOf(type)) throw new InvalidOperationException($"received {bytes.Length} bytes for {count} elements");
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
        var bytes = checked((int)count * GroupReduction.SizeOf(type));
        var copies = clique.Addresses.Select(address => new ReadOnlySpan<byte>((void*)address, bytes).ToArray()).ToArray();
        clique.Meet.SignalAndWait(Patience);
        var pins = copies.Select(copy => GCHandle.Alloc(copy, GCHandleType.Pinned)).ToArray();
        GroupReduction.Into([.. pins.Select(pin => pin.AddrOfPinnedObject())], 0, 0, count, type, operation);
        copies[0].CopyTo(new Span<byte>((void*)target, copies[0].Length));
        foreach (var pin in pins) pin.Free();
        return NcclResult.Success;
    }

    public string Describe(NcclResult result) => result.ToString();

    private NcclResult Enter(string name, int size, int rank, NcclHandle created)
    {
        lock (_gate)
        {
            if (!_cliques.TryGetValue(name, out var clique)) _cliques.Add(name, clique = new Clique(size));
            created.Value = ++_handles;
            _members[_handles] = new Member(clique, name, rank);
        }
        return NcclResult.Success;
    }

    // In the real library the handle of an aborted or destroyed communicator is freed memory.
    private Member Of(nint communicator) => _members.TryGetValue(communicator, out var member) && !member.Aborted
        ? member
        : throw new InvalidOperationException($"communicator {communicator} is used after it was freed");
}

/// <summary>A stream whose idle state the test controls.</summary>
internal sealed class FakeStream(Func<bool>? isIdle = null) : INcclStream
{
    public nint Handle => 0;

    public bool IsIdle => isIdle?.Invoke() ?? true;
}
