namespace Tulu2.Checkpoints;

/// <summary>What makes a checkpoint exist. Written last, atomically.</summary>
/// <param name="Step">Steps applied.</param>
/// <param name="VirtualShards">V is part of the numerics.</param>
/// <param name="RecipeHash">Of the parts of the recipe that decide the bits; a resume under another one is refused.</param>
/// <param name="Facts">Free text facts for people: libtorch build, CPU type, time.</param>
public sealed record Manifest(
    int Step, int VirtualShards, string RecipeHash, IReadOnlyList<ShardEntry> Shards, IReadOnlyDictionary<string, string> Facts);

/// <summary>A slice of state in memory: fp32, rows of Slice.Size[^1] elements, row r at Address + 4 * r * RowStride.</summary>
public readonly record struct StateBlock(StateKind Kind, TensorSlice Slice, nint Address, long RowStride);

/// <summary>The <c>checkpoints/</c> directory of a run: <c>shards/SHA256.safetensors</c> and <c>manifests/step-00000100.json</c>.</summary>
public sealed class CheckpointStore(string directory)
{
    public string Directory { get; } = directory;

    /// <summary>Writes one shard file (beside and renamed) and returns its entry; writing the same content twice is harmless.</summary>
    public ShardEntry WriteShard(IReadOnlyList<StateBlock> blocks) => throw new NotImplementedException();

    /// <summary>Checks that the shards cover every tensor exactly once and are on disk, then writes the manifest and returns its path.</summary>
    public string WriteManifest(Manifest manifest) => throw new NotImplementedException();

    /// <summary>Paths of all manifests, oldest first.</summary>
    public IReadOnlyList<string> Manifests() => throw new NotImplementedException();

    /// <exception cref="Files.BadInputException">Not a manifest, or its own checksum is wrong.</exception>
    public Manifest Read(string manifestPath) => throw new NotImplementedException();

    /// <summary>Hashes every byte of every shard; returns one line per fault (empty: sound).</summary>
    public IReadOnlyList<string> Verify(Manifest manifest) => throw new NotImplementedException();

    /// <summary>The newest manifest all of whose shards verify; null where there is none. Faults of the ones passed over go to <paramref name="fault"/>.</summary>
    public (string Path, Manifest Manifest)? LatestSound(Action<string> fault) => throw new NotImplementedException();

    /// <summary>Fills the wanted blocks from whatever slices the shards hold, verifying the hash of every shard that is read.</summary>
    public void Load(Manifest manifest, IReadOnlyList<StateBlock> wanted) => throw new NotImplementedException();

    /// <summary>Deletes all but the newest <paramref name="keep"/> manifests, then shards that none names, and leftovers of killed writers.</summary>
    public void Prune(int keep) => throw new NotImplementedException();
}
