using System.Collections.Concurrent;
using System.Globalization;
using Tulu2.Checkpoints.Safetensors;
using Tulu2.Files;

namespace Tulu2.Checkpoints;

/// <summary>The <c>checkpoints/</c> directory of a run: <c>shards/SHA256.safetensors</c> and <c>manifests/step-00000100.json</c>.</summary>
public sealed unsafe partial class CheckpointStore(string directory)
{
    // Shards that have been hashed, with their write time then: a file that was written since is hashed again.
    private readonly ConcurrentDictionary<string, DateTime> _verified = new();

    public string Directory { get; } = Path.GetFullPath(directory);

    /// <summary>Wraps the stream of a shard's file: tests put a full disk here.</summary>
    internal Func<Stream, Stream> Through { get; init; } = stream => stream;

    private string Shards => Path.Combine(Directory, "shards");
    private string ManifestFolder => Path.Combine(Directory, "manifests");

    /// <summary>
    /// The second place of these checkpoints (<c>checkpoint.mirror</c>), from which a shard that is missing or damaged is taken when it is needed; null: there is none.
    /// </summary>
    public CheckpointStore? Mirror { get; init; }

    /// <summary>Writes one shard file (beside and renamed) and returns its entry; writing the same content twice is harmless.</summary>
    /// <exception cref="IOException">The disk is full or cannot be written; nothing is left under a final name.</exception>
    /// <exception cref="ArgumentException">A block is neither a vector nor a matrix, or not within its tensor.</exception>
    public ShardEntry WriteShard(IReadOnlyList<StateBlock> blocks)
    {
        ShardEntry? entry = null;
        var bytes = blocks.Sum(block => block.Slice.Length * sizeof(float));
        try
        {
            AtomicFile.WriteNamed(Shards, stream =>
            {
                FreeSpace.Check(Shards, bytes);
                entry = ShardFile.Write(new SparingStream(Through(stream), Shards), blocks);
                return Path.GetFileName(ShardPath(entry.Sha256));
            });
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"a checkpoint shard of {bytes} bytes cannot be written to {Shards}: {FaultText.Of(fault)}", fault);
        }
        return entry!;
    }

    /// <summary>Checks that the shards cover every tensor exactly once and are on disk, then writes the manifest and returns its path.</summary>
    /// <exception cref="InvalidOperationException">A shard is missing, or slices overlap or do not add up to their tensors.</exception>
    public string WriteManifest(Manifest manifest)
    {
        foreach (var shard in manifest.Shards)
            if (!File.Exists(ShardPath(shard.Sha256)) || FileLength.Of(ShardPath(shard.Sha256)) != shard.Bytes)
                throw new InvalidOperationException($"step {manifest.Step}: shard {shard.Sha256} is not on disk");
        foreach (var tensor in manifest.Shards.SelectMany(shard => shard.Tensors).GroupBy(tensor => (tensor.Kind, tensor.Slice.Name)))
        {
            var whole = tensor.First().Slice.Shape.Aggregate(1L, (product, size) => product * size);
            var held = tensor.Sum(part => part.Slice.Length);
            if (held != whole)
                throw new InvalidOperationException($"step {manifest.Step}: the slices of {tensor.Key.Kind} {tensor.Key.Name} have {held} of {whole} elements");
            CheckDisjoint(manifest.Step, [.. tensor.Select(part => part.Slice)]);
        }
        var path = ManifestPathOf(manifest.Step);
        AtomicFile.WriteAllText(path, ManifestFile.Write(manifest));
        return path;
    }

    /// <summary>Paths of all manifests, oldest first.</summary>
    public IReadOnlyList<string> Manifests() =>
        System.IO.Directory.Exists(ManifestFolder) ? [.. System.IO.Directory.EnumerateFiles(ManifestFolder, "step-*.json").Order(StringComparer.Ordinal)] : [];

    /// <summary>Deletes the manifests of later steps, the newest first; their shards go with the next pruning.</summary>
    /// <returns>Step and path of the newest that is left; null: there is none.</returns>
    public (int Step, string Path)? DiscardAfter(int step)
    {
        foreach (var path in Manifests().Reverse())
        {
            // step-00000012
            var of = int.Parse(Path.GetFileNameWithoutExtension(path)[5..], CultureInfo.InvariantCulture);
            if (of <= step) return (of, path);
            File.Delete(path);
        }
        return null;
    }

    /// <summary>Path of the manifest of a step; null: there is none.</summary>
    public string? ManifestOf(int step) => ManifestPathOf(step) is var path && File.Exists(path) ? path : null;

    /// <summary>Path that the manifest of a step has, or would have.</summary>
    public string ManifestPathOf(int step) => Path.Combine(ManifestFolder, $"step-{step:D8}.json");

    /// <exception cref="BadInputException">Not a manifest, or its own checksum is wrong.</exception>
    public Manifest Read(string manifestPath) => ManifestFile.Read(manifestPath);

    /// <summary>Hashes every byte of every shard; returns one line per fault (empty: sound).</summary>
    public IReadOnlyList<string> Verify(Manifest manifest) =>
        [.. manifest.Shards.Select(Fault).OfType<string>()];

    /// <summary>The newest manifest whose shards all verify; null: there is none. Faults of skipped ones go to <paramref name="fault"/>.</summary>
    public (string Path, Manifest Manifest)? LatestSound(Action<string> fault)
    {
        foreach (var path in Manifests().Reverse())
        {
            try
            {
                var manifest = Read(path);
                var faults = Verify(manifest);
                if (faults.Count == 0) return (path, manifest);
                foreach (var line in faults) fault($"{path}: {line}");
            }
            catch (BadInputException bad)
            {
                fault(bad.Message);
            }
        }
        return null;
    }

    /// <summary>Fills the wanted blocks from the slices in the shards, verifying the hash of every shard that is read.</summary>
    /// <exception cref="BadInputException">A shard is missing or damaged, or the shards lack a part of a wanted block.</exception>
    public void Load(Manifest manifest, IReadOnlyList<StateBlock> wanted)
    {
        foreach (var block in wanted) ShardFile.CheckDimensions(block.Slice);
        var byTensor = wanted.Select((block, index) => (block, index)).ToLookup(item => (item.block.Kind, item.block.Slice.Name));
        var filled = new long[wanted.Count];
        foreach (var shard in manifest.Shards)
        {
            var needed = shard.Tensors.Where(tensor => byTensor.Contains((tensor.Kind, tensor.Slice.Name))).ToArray();
            if (needed.Length == 0) continue;
            if (!IsVerified(shard) && Fault(shard) is { } fault && !TryHeal(shard))
                throw ManifestOf(manifest.Step) is null && !File.Exists(ShardPath(shard.Sha256))
                    ? Pruned(manifest)
                    : new BadInputException(ShardPath(shard.Sha256), fault, "resume falls back to the checkpoint before; 'tulu2 checkpoint verify' lists what is damaged");
            using var file = OpenShard(manifest, shard);
            foreach (var tensor in needed)
            {
                var stored = (float*)file.Address(file.Entries[ShardFile.Key(tensor.Kind, tensor.Slice)]);
                foreach (var (block, index) in byTensor[(tensor.Kind, tensor.Slice.Name)])
                {
                    if (!block.Slice.Shape.SequenceEqual(tensor.Slice.Shape))
                        throw new BadInputException(
                            Directory, $"{tensor.Slice.Name} has shape [{string.Join(", ", tensor.Slice.Shape)}] in the checkpoint "
                                + $"and [{string.Join(", ", block.Slice.Shape)}] in the model",
                            "resume with the recipe that wrote it");
                    filled[index] += ShardFile.Copy(stored, tensor.Slice, block);
                }
            }
        }
        for (var index = 0; index < wanted.Count; index++)
            if (filled[index] != wanted[index].Slice.Length)
                throw new BadInputException(
                    Directory, $"the checkpoint of step {manifest.Step} holds {filled[index]} of {wanted[index].Slice.Length} elements "
                        + $"of {wanted[index].Kind} {wanted[index].Slice.Name}",
                    "resume with the recipe that wrote it");
    }

    private BadInputException Pruned(Manifest manifest) => new(ManifestPathOf(manifest.Step),
        "was deleted while it was read, since newer checkpoints have taken its place", "read the newest one, or raise checkpoint.keep");

    // It may be pruned between its verification and this; once open, it stays.
    private SafetensorsFile OpenShard(Manifest manifest, ShardEntry shard)
    {
        try
        {
            return new SafetensorsFile(ShardPath(shard.Sha256));
        }
        catch (Exception) when (!File.Exists(ShardPath(shard.Sha256)))
        {
            throw Pruned(manifest);
        }
    }

    private string? Fault(ShardEntry shard)
    {
        var path = ShardPath(shard.Sha256);
        if (!File.Exists(path)) return $"shard {shard.Sha256} is missing";
        try
        {
            var length = FileLength.Of(path);
            if (length != shard.Bytes) return $"shard {shard.Sha256} has {NumberText.Count(length, "byte")} instead of {NumberText.Count(shard.Bytes)}";
            var written = WrittenAt(path);
            if (ContentHash.OfFile(path) != shard.Sha256) return $"shard {shard.Sha256} is damaged: its content has another hash";
            _verified[shard.Sha256] = written;
            return null;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            // A disk that reports an error for one of its sectors has damaged the shard; and another process may prune it.
            return $"shard {shard.Sha256} cannot be read: {FaultText.Of(fault)}";
        }
    }

    private bool IsVerified(ShardEntry shard)
    {
        var path = ShardPath(shard.Sha256);
        try
        {
            return _verified.TryGetValue(shard.Sha256, out var written) && File.Exists(path) && FileLength.Of(path) == shard.Bytes && WrittenAt(path) == written;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            // It was pruned meanwhile.
            return false;
        }
    }

    // Time of the content: a link has a time of its own.
    private static DateTime WrittenAt(string path)
    {
        using var file = File.OpenHandle(path, share: FileShare.ReadWrite | FileShare.Delete);
        return File.GetLastWriteTimeUtc(file);
    }

    // Their sizes add up; so if no two overlap, they cover their tensor exactly once.
    private static void CheckDisjoint(int step, TensorSlice[] slices)
    {
        Array.Sort(slices, (a, b) => a.Begin[0].CompareTo(b.Begin[0]));
        for (var first = 0; first < slices.Length; first++)
            for (var second = first + 1; second < slices.Length && slices[second].Begin[0] < slices[first].Begin[0] + slices[first].Size[0]; second++)
                if (ShardFile.Overlap(slices[first], slices[second]))
                    throw new InvalidOperationException($"step {step}: two slices of {slices[first].Name} overlap");
    }

    private string ShardPath(string sha256) => Path.Combine(Shards, sha256 + ".safetensors");
}
