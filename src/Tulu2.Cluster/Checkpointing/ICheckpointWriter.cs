using Tulu2.Checkpoints;

namespace Tulu2.Cluster.Checkpointing;

/// <summary>Writes and deletes checkpoints. Called on one thread of its own, never on an actor's.</summary>
public interface ICheckpointWriter
{
    /// <summary>Writes the manifest and returns its path.</summary>
    string Write(Manifest manifest);

    /// <summary>Deletes all but the newest <paramref name="keep"/> checkpoints and those of the steps <paramref name="besides"/>.</summary>
    void Prune(int keep, IReadOnlyCollection<int> besides);

    /// <summary>Deletes shards that no manifest names. Called while no rank writes.</summary>
    void Sweep();
}

/// <summary>Checkpoints in the run's <c>checkpoints/</c> directory.</summary>
public sealed class StoredCheckpoints(CheckpointStore store) : ICheckpointWriter
{
    public string Write(Manifest manifest) => store.WriteManifest(manifest);

    public void Prune(int keep, IReadOnlyCollection<int> besides) => store.Prune(keep, besides);

    public void Sweep() => store.Sweep();
}
