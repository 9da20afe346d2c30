using Tulu2.Checkpoints;
using Tulu2.Collectives;
using Tulu2.Files;
using Tulu2.Models.Llama;
using Tulu2.Training.Optimization;

namespace Tulu2.Training.Workers;

/// <summary>How a replica's state comes from elsewhere.</summary>
internal static class StateTransfers
{
    /// <summary>Loads a manifest; every byte is verified. The state's step becomes the manifest's.</summary>
    /// <exception cref="BadInputException">A manifest of other virtual shards, or a damaged one.</exception>
    public static void Load(CheckpointStore store, string path, ReplicaState state, FlatLayout layout)
    {
        var manifest = store.Read(path);
        if (manifest.VirtualShards != layout.VirtualShards)
            throw new BadInputException(path, $"was written with {manifest.VirtualShards} virtual shards, this run has {layout.VirtualShards}",
                "resume with the recipe that began the run");
        state.Clear();
        store.Load(manifest, state.Blocks());
        state.RefreshWeights();
        state.Step = manifest.Step;
    }

    /// <summary>The root's buffers to the receivers. Every rank calls this, since all make the same collective calls. The caller sets the step.</summary>
    public static void Send(ICollective collective, StateTransfer.FromPeer peer, ReplicaState state, FlatLayout layout, TimeSpan deadline)
    {
        foreach (var copy in peer.Copies)
            foreach (var (_, buffer) in state.Buffers())
                collective.Broadcast(copy.Root, [.. copy.Receivers], FlatMemory.Address(buffer), layout.Length * sizeof(float), deadline);
        state.RefreshWeights();
    }
}
