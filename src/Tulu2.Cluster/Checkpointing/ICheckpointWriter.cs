using Tulu2.Checkpoints;
using Tulu2.Protocol.GradientSync;
using Tulu2.Protocol.Ids;

namespace Tulu2.Cluster.Checkpointing;

/// <summary>Writes and deletes checkpoints. Called on one thread of its own, never on an actor's.</summary>
public interface ICheckpointWriter
{
    /// <summary>Where they are, for people.</summary>
    string Place { get; }

    /// <summary>Writes the manifest and returns its path.</summary>
    string Write(Manifest manifest);

    /// <summary>
    /// Reads a checkpoint back, every byte of it, and returns one line per fault. Called before older checkpoints are deleted, so that what is left is never one that is
    /// damaged.
    /// </summary>
    IReadOnlyList<string> Verify(Manifest manifest);

    /// <summary>Deletes the manifest of a checkpoint that is damaged.</summary>
    void Discard(int step);

    /// <summary>Deletes the checkpoints of steps after this one, and returns the newest that is left; null: there is none.</summary>
    KnownManifest? DiscardAfter(StepNumber step);

    /// <summary>Deletes all but the newest <paramref name="keep"/> checkpoints and those of the steps <paramref name="besides"/>.</summary>
    void Prune(int keep, IReadOnlyCollection<int> besides);

    /// <summary>Deletes shards that no manifest names. Called while no rank writes.</summary>
    void Sweep();

    /// <summary>Throws where a checkpoint of about so many bytes could not be written now.</summary>
    void Probe(long bytes);
}

/// <summary>Checkpoints in the run's <c>checkpoints/</c> directory.</summary>
public sealed class StoredCheckpoints(CheckpointStore store) : ICheckpointWriter
{
    public string Place => store.Directory;

    public string Write(Manifest manifest) => store.WriteManifest(manifest);

    public IReadOnlyList<string> Verify(Manifest manifest) => store.Verify(manifest);

    public void Discard(int step) => File.Delete(store.ManifestPathOf(step));

    public KnownManifest? DiscardAfter(StepNumber step) => store.DiscardAfter(step) is var (left, path) ? new KnownManifest(path, new StepNumber(left)) : null;

    public void Prune(int keep, IReadOnlyCollection<int> besides) => store.Prune(keep, besides);

    public void Sweep() => store.Sweep();

    public void Probe(long bytes) => store.Probe(bytes);
}
