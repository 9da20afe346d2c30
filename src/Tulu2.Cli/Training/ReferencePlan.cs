using Tulu2.Cluster.Reference;
using Tulu2.Data.Slots;
using Tulu2.Training.Reference;

namespace Tulu2.Cli.Training;

/// <summary>
/// The reference pass of DPO in chunks of a slot's size (the same shape gives the same bits as a live reference would), kept on disk under a key of all it
/// depends on. A cache hit leaves nothing to do.
/// </summary>
internal sealed class ReferencePlan : IReferencePlan
{
    private readonly BatchPlan _batches;
    private readonly int _perChunk;
    private readonly string _directory;
    private readonly string _key;
    private readonly float[] _values;
    private ReferenceLogProbabilities? _ready;

    /// <param name="perChunk">Pairs in a chunk: the recipe's slot.</param>
    public ReferencePlan(BatchPlan batches, int perChunk, string directory, string key)
    {
        (_batches, _perChunk, _directory, _key) = (batches, perChunk, directory, key);
        _ready = ReferenceLogProbabilities.TryOpen(directory, key, batches.Items);
        _values = new float[_ready is null ? 2 * batches.Items : 0];
        Array.Fill(_values, float.NaN);
    }

    public int Chunks => (_batches.Items + _perChunk - 1) / _perChunk;

    /// <summary>Everything was in the cache.</summary>
    public bool IsCached => _ready is not null && _values.Length == 0;

    /// <summary>Ready after the pass.</summary>
    public ReferenceLogProbabilities Values => _ready ?? throw new InvalidOperationException("the reference pass is not complete");

    /// <summary>Where they lie then, for other processes.</summary>
    public ReferenceFile File => new(_directory, _key, _batches.Items);

    public bool IsDone(int chunk) => _ready is not null;

    public SlotBatch Read(int chunk) => _batches.ReadPairs(chunk * _perChunk, Math.Min(_perChunk, _batches.Items - chunk * _perChunk));

    public void Store(int chunk, float[] logProbabilities) => logProbabilities.CopyTo(_values, 2 * chunk * _perChunk);

    public void Complete()
    {
        var complete = new ReferenceLogProbabilities(_values);
        complete.Write(_directory, _key);
        _ready = complete;
    }
}
