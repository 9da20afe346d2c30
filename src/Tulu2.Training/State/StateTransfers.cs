using Tulu2.Checkpoints;
using Tulu2.Collectives;
using Tulu2.Files;
using Tulu2.Protocol.Workers;
using Tulu2.Training.Communication;
using Tulu2.Training.Optimization;

namespace Tulu2.Training.State;

/// <summary>Transfers of state into a rank. The caller refreshes the compute weights afterwards.</summary>
internal static class StateTransfers
{
    /// <summary>Loads this rank's slices of a checkpoint of any layout and sets the state's step; every byte is verified.</summary>
    /// <exception cref="BadInputException">The checkpoint was written with another number of virtual shards, or is damaged.</exception>
    public static void Load(CheckpointStore store, string path, ReplicaState state)
    {
        var manifest = store.Read(path);
        if (manifest.VirtualShards != state.Trained.VirtualShards)
            throw new BadInputException(path, $"was written with {NumberText.Count(manifest.VirtualShards, "virtual shard")}, this run has {state.Trained.VirtualShards}",
                "resume with the recipe that began the run");
        state.Clear();
        store.Load(manifest, state.Blocks());
        state.Step = manifest.Step;
    }

    /// <summary>
    /// Copies state between this rank and its twins, or receives it from the rank that keeps its standby copy (which sends it by itself). Every rank calls this. The caller
    /// sets the step.
    /// </summary>
    /// <param name="copies">The copies of all groups of twins; those of other groups are skipped.</param>
    public static void Copy(RankGroups groups, IReadOnlyList<PeerCopy> copies, ReplicaState state, TimeSpan deadline)
    {
        var twins = groups.TwinRanks.ToList();
        bool IsOfTwins(PeerCopy copy) => twins.Contains(copy.Root) && twins.Contains(copy.Receivers[0]);
        foreach (var copy in copies.Where(IsOfTwins))
            foreach (var (_, buffer) in state.Buffers())
                groups.Twins.Broadcast(twins.IndexOf(copy.Root), [.. copy.Receivers.Select(receiver => twins.IndexOf(receiver))], FlatMemory.Address(buffer),
                    state.Range.Count * sizeof(float), deadline);
        foreach (var copy in copies.Where(copy => !IsOfTwins(copy) && copy.Receivers.Contains(groups.Rank)))
            foreach (var (_, buffer) in state.Buffers())
                LongMessages.Exchange(groups.World, null, new MessageEnd(groups.PlaceOf(copy.Root), FlatMemory.Address(buffer), state.Range.Count * sizeof(float)), deadline);
    }

    /// <summary>
    /// Updates the compute weights from the master weights; with ZeRO, also gathers those that other ranks of the group update. Every rank calls this.
    /// </summary>
    /// <param name="ranges">The range that each rank of the ZeRO group updates, in order.</param>
    public static void RefreshWeights(RankGroups groups, IReadOnlyList<ElementRange> ranges, ReplicaState state, TimeSpan deadline)
    {
        if (ranges.Count == 1) state.RefreshWeights();
        else
            state.RefreshWeights((address, size) =>
                groups.Zero.AllGather(address, [.. ranges.Select(range => new ElementRange(range.First * size, range.Count * size))], deadline));
    }
}
