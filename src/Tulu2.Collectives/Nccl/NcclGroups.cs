namespace Tulu2.Collectives.Nccl;

/// <summary>
/// A generation's communicators: one over all of its ranks, whose id goes over the generation's ordinary data plane, and parts split off it. An abort of the
/// generation is passed on by <see cref="Abort"/>; whoever owns the generation calls it.
/// </summary>
public sealed class NcclGroups : IDisposable
{
    private readonly NcclCommunicator _world;
    private readonly List<NcclCommunicator> _parts = [];
    private readonly INccl _nccl;
    private readonly INcclStream _stream;
    private readonly TimeSpan _deadline;
    private readonly int _rank, _size;

    private NcclGroups(INccl nccl, INcclStream stream, NcclCommunicator world, int rank, int size, TimeSpan deadline) =>
        (_nccl, _stream, _world, _rank, _size, _deadline) = (nccl, stream, world, rank, size, deadline);

    /// <summary>With the machine's NCCL and the default stream of the GPU that is current.</summary>
    /// <exception cref="NcclMissingException">There is no NCCL on this machine.</exception>
    public static NcclGroups Join(ICollective host, TimeSpan deadline, Action<NcclGroups>? made = null) =>
        Join(NcclLibrary.Load(), new DefaultCudaStream(), host, deadline, made);

    /// <summary>Every rank of the generation calls this; rank 0 makes the id.</summary>
    /// <param name="made">Told before peers are waited for, so that the wait can be aborted.</param>
    public static NcclGroups Join(INccl nccl, INcclStream stream, ICollective host, TimeSpan deadline, Action<NcclGroups>? made = null)
    {
        var id = new byte[host.Rank == 0 ? NcclLibrary.UniqueIdBytes : 0];
        if (host.Rank == 0) Check(nccl, "ncclGetUniqueId", nccl.GetUniqueId(id));
        id = host.AllGather(id, deadline)[0];
        var handle = new NcclHandle();
        Check(nccl, "ncclCommInitRankConfig", nccl.InitRank(host.Size, id, host.Rank, handle));
        // This one is there when the call returns; only its set-up goes on.
        var world = new NcclCommunicator(nccl, handle.Take(), host.Generation, stream);
        var groups = new NcclGroups(nccl, stream, world, host.Rank, host.Size, deadline);
        made?.Invoke(groups);
        world.Settle(deadline);
        return groups;
    }

    /// <summary>
    /// A group of some ranks of the generation. Collective: every rank of the generation asks in turn for a group of its own, and the groups of one turn share no rank.
    /// </summary>
    /// <param name="ranks">Numbers within the generation, ascending, this rank's among them.</param>
    public NcclGroup Group(IReadOnlyList<int> ranks)
    {
        var place = ranks.ToList().IndexOf(_rank);
        if (place < 0 || ranks[^1] >= _size) throw new ArgumentException($"rank {_rank} of {_size} is not among {string.Join(", ", ranks)}", nameof(ranks));
        var made = new NcclHandle();
        _world.Call("ncclCommSplit", world => _nccl.Split(world, ranks[0], place, made));
        _world.Settle(_deadline);
        var part = new NcclCommunicator(_nccl, made.Take(), _world.Generation, _stream);
        lock (_parts) _parts.Add(part);
        part.Settle(_deadline);
        return new NcclGroup(part, place, ranks.Count);
    }

    /// <summary>Callable from any thread, more than once.</summary>
    public void Abort(string reason)
    {
        // The world first: a part that is being made is made from it, and its maker finds it aborted.
        _world.Abort(reason);
        NcclCommunicator[] parts;
        lock (_parts) parts = [.. _parts];
        foreach (var part in parts) part.Abort(reason);
    }

    public void Dispose()
    {
        foreach (var part in _parts) part.Dispose();
        _world.Dispose();
    }

    private static void Check(INccl nccl, string call, NcclResult result)
    {
        if (result is not (NcclResult.Success or NcclResult.InProgress)) throw new NcclException(call, result, nccl.Describe(result));
    }
}
