using Tulu2.Checkpoints;
using Tulu2.Collectives;
using Tulu2.Files;
using Tulu2.Protocol.Workers;
using Tulu2.Training.Communication;
using Tulu2.Training.Optimization;

namespace Tulu2.Training.State;

/// <summary>How a rank's state comes from elsewhere. After each, the caller refreshes the compute weights.</summary>
internal static class StateTransfers
{
    /// <summary>Loads this rank's slices of a manifest, whatever layout wrote it; every byte is verified. The state's step becomes the manifest's.</summary>
    /// <exception cref="BadInputException">A manifest of other virtual shards, or a damaged one.</exception>
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

    /// <summary>Copies between this rank and its twins. Every rank calls this. The caller sets the step.</summary>
    public static void Copy(RankGroups groups, IReadOnlyList<PeerCopy> copies, ReplicaState state, TimeSpan deadline)
    {
        var twins = groups.Layout.Twins(groups.Rank).ToList();
        foreach (var copy in copies.Where(copy => twins.Contains(copy.Root)))
            foreach (var (_, buffer) in state.Buffers())
                groups.Twins.Broadcast(twins.IndexOf(copy.Root), [.. copy.Receivers.Select(receiver => twins.IndexOf(receiver))], FlatMemory.Address(buffer),
                    state.Range.Count * sizeof(float), deadline);
    }

    /// <summary>The compute weights, where ranks share the optimizer state also what the others of them keep. Every rank calls this.</summary>
    /// <param name="ranges">What each of the ranks that share it keeps, in order.</param>
    public static void RefreshWeights(RankGroups groups, IReadOnlyList<ElementRange> ranges, ReplicaState state, TimeSpan deadline)
    {
        if (ranges.Count == 1) state.RefreshWeights();
        else
            state.RefreshWeights((address, size) =>
                groups.Zero.AllGather(address, [.. ranges.Select(range => new ElementRange(range.First * size, range.Count * size))], deadline));
    }
}
