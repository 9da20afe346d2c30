using Tulu2.Checkpoints;
using Tulu2.Protocol.Ids;

namespace Tulu2.Cluster.Checkpointing;

/// <summary>A second place of a run's checkpoints. Called on one thread of its own, and may take for ever.</summary>
public interface ICheckpointMirror
{
    string Directory { get; }

    /// <summary>Copies the checkpoint of a step, and returns the bytes that were copied.</summary>
    /// <param name="progress">Called with the bytes copied so far, and those to copy.</param>
    long Copy(int step, Action<long, long> progress);

    /// <summary>Deletes the copies of steps after this one.</summary>
    void DiscardAfter(StepNumber step);

    /// <inheritdoc cref="ICheckpointWriter.Prune"/>
    void Prune(int keep, IReadOnlyCollection<int> besides);
}

/// <summary>Copies in a directory, such as one of another file system.</summary>
/// <param name="store">The run's checkpoints, with a mirror.</param>
public sealed class StoredMirror(CheckpointStore store) : ICheckpointMirror
{
    private readonly CheckpointStore _mirror = store.Mirror ?? throw new ArgumentException("has no mirror", nameof(store));

    public string Directory => _mirror.Directory;

    public long Copy(int step, Action<long, long> progress) => store.CopyTo(_mirror, step, progress);

    public void DiscardAfter(StepNumber step) => _mirror.DiscardAfter(step);

    public void Prune(int keep, IReadOnlyCollection<int> besides) => _mirror.Prune(keep, besides);
}
