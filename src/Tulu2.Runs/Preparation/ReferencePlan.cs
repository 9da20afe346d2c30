using Tulu2.Cluster.Ranks;
using Tulu2.Data.Slots;
using Tulu2.Files;
using Tulu2.Training.Reference;

namespace Tulu2.Runs.Preparation;

/// <summary>
/// The reference pass over the pairs of the run's steps (of KTO: its rows, each with a mismatched sequence as its second), in chunks of a slot's size, cached on disk under a key of everything that a value depends on.
/// The chunks depend on the run alone, not on the cache, so that all nodes number them alike; pairs that another run of the same key has scored are not scored
/// again. With packing, the bits of a pair do not depend on the other pairs of its chunk: chunks are cut in the order of use, so that a longer run starts with
/// the chunks of a shorter one. With padding they do: chunks are cut from the whole store, the same for every run, and those with a pair of this run are scored.
/// </summary>
internal sealed class ReferencePlan : IReferencePlan
{
    private readonly IPairs _batches;
    private readonly Func<int, string> _placeOf;
    private readonly string _directory;
    private readonly string _key;
    private readonly (string First, string Second) _sides;
    private readonly int[][] _chunks;
    private readonly bool[] _cached;
    private readonly float[] _values;
    private ReferenceLogProbabilities? _ready;

    /// <param name="placeOf">Location of a pair in the input.</param>
    /// <param name="perChunk">Pairs per chunk: the recipe's slot.</param>
    /// <param name="packed">Slots are packed, not padded.</param>
    /// <param name="sides">What the answers of a pair are called in messages; null: chosen and rejected.</param>
    public ReferencePlan(IPairs batches, Func<int, string> placeOf, int perChunk, bool packed, string directory, string key, (string First, string Second)? sides = null)
    {
        (_batches, _placeOf, _directory, _key) = (batches, placeOf, directory, key);
        _sides = sides ?? ("chosen", "rejected");
        _chunks = [.. packed ? batches.UsedItems().Chunk(perChunk) : OfWholeStore(batches, perChunk)];
        var found = ReferenceLogProbabilities.TryOpen(directory, key, batches.Items);
        _cached = [.. _chunks.Select(chunk => found is not null && Array.TrueForAll(chunk, found.Has))];
        _values = new float[2 * batches.Items];
        Array.Fill(_values, float.NaN);
        if (Array.TrueForAll(_cached, done => done)) _ready = found;
    }

    public int Chunks => _chunks.Length;

    /// <summary>Pairs in all chunks.</summary>
    public int Pairs => _chunks.Sum(chunk => chunk.Length);

    /// <summary>Number of pairs found in the cache.</summary>
    public int CachedPairs => _chunks.Where((_, chunk) => _cached[chunk]).Sum(chunk => chunk.Length);

    /// <summary>The log-probabilities, available after the pass.</summary>
    public ReferenceLogProbabilities Values => _ready ?? throw new InvalidOperationException("the reference pass is not complete");

    /// <summary>The file of the log-probabilities, for other processes.</summary>
    public ReferenceFile File => new(_directory, _key, _batches.Items);

    public bool IsDone(int chunk) => _ready is not null || _cached[chunk];

    public SlotBatch Read(int chunk) => _batches.ReadPairs(chunk, _chunks[chunk]);

    /// <exception cref="NonFiniteException">A value that is not a finite number; names the pair.</exception>
    public void Store(int chunk, float[] logProbabilities)
    {
        for (var index = 0; index < _chunks[chunk].Length; index++)
        {
            var pair = _chunks[chunk][index];
            for (var side = 0; side < 2; side++)
            {
                var (value, name) = (logProbabilities[2 * index + side], side == 0 ? _sides.First : _sides.Second);
                NonFiniteException.Check(value, () => (_placeOf(pair), $"the log-probability of its {name} answer under the initial weights"), NonFiniteException.BrokenWeights);
                _values[2 * pair + side] = value;
            }
        }
    }

    public void Complete()
    {
        _ready = ReferenceLogProbabilities.Add(_directory, _key, _values);
    }

    private static IEnumerable<int[]> OfWholeStore(IPairs batches, int perChunk)
    {
        var used = batches.UsedItems().ToHashSet();
        return Enumerable.Range(0, batches.Items).Chunk(perChunk).Where(chunk => Array.Exists(chunk, used.Contains));
    }
}
