namespace Tulu2.Collectives.Nccl;

/// <summary>
/// A generation's NCCL communicators: one over all its ranks, whose id is exchanged over the generation's host data plane, and groups split off it. The owner
/// of the generation calls <see cref="Abort"/> when the generation is aborted.
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

    /// <summary>Joins with the machine's NCCL and the default stream of the current GPU.</summary>
    /// <exception cref="NcclMissingException">This machine has no suitable NCCL.</exception>
    public static NcclGroups Join(ICollective host, TimeSpan deadline, Action<NcclGroups>? created = null) =>
        Join(NcclLibrary.Load(), new DefaultCudaStream(), host, deadline, created);

    /// <summary>Called by every rank of the generation; rank 0 creates the id.</summary>
    /// <param name="created">Called before waiting for peers, so that the wait can be aborted.</param>
    internal static NcclGroups Join(INccl nccl, INcclStream stream, ICollective host, TimeSpan deadline, Action<NcclGroups>? created = null)
    {
        var id = new byte[host.Rank == 0 ? NcclLibrary.UniqueIdBytes : 0];
        if (host.Rank == 0) Check(nccl, "ncclGetUniqueId", nccl.GetUniqueId(id));
        id = host.AllGather(id, deadline)[0];
        var handle = new NcclHandle();
        Check(nccl, "ncclCommInitRankConfig", nccl.InitRank(host.Size, id, host.Rank, handle));
        // This communicator exists when the call returns; only its initialization continues.
        var world = new NcclCommunicator(nccl, handle.Take(), host.Generation, stream);
        var groups = new NcclGroups(nccl, stream, world, host.Rank, host.Size, deadline);
        created?.Invoke(groups);
        world.Settle(deadline);
        return groups;
    }

    internal NcclCommunicator World => _world;

    /// <summary>
    /// A group of some ranks of the generation. Collective: all ranks of the generation call this together, each for its own group; the groups of one such call
    /// are disjoint.
    /// </summary>
    /// <param name="ranks">Ranks within the generation, ascending, including this rank.</param>
    public NcclGroup Group(IReadOnlyList<int> ranks)
    {
        var index = ranks.ToList().IndexOf(_rank);
        if (index < 0 || ranks[^1] >= _size) throw new ArgumentException($"rank {_rank} of {_size} is not among {string.Join(", ", ranks)}", nameof(ranks));
        var created = new NcclHandle();
        _world.Call("ncclCommSplit", world => _nccl.Split(world, ranks[0], index, created));
        _world.Settle(_deadline);
        var part = new NcclCommunicator(_nccl, created.Take(), _world.Generation, _stream);
        lock (_parts) _parts.Add(part);
        part.Settle(_deadline);
        return new NcclGroup(part, index, ranks.Count);
    }

    /// <summary>Ends all pending and later calls on this rank. May be called from any thread and repeatedly.</summary>
    public void Abort(string reason)
    {
        // The world first: a thread that is splitting a group off it then finds it aborted.
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
