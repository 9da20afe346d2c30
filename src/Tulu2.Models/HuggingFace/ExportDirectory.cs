using System.Text.Json;
using Tulu2.Checkpoints.Safetensors;
using Tulu2.Files;

namespace Tulu2.Models.HuggingFace;

/// <summary>
/// A directory that is written beside its name and appears whole or not at all. An earlier export is replaced, anything else is left as it is.
/// </summary>
internal static class ExportDirectory
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    // Marks an export, which a later one may replace; a model from elsewhere has no such mark.
    private const string ProducerKey = "producer", Producer = "tulu2";

    /// <summary>Metadata of an export's safetensors files.</summary>
    public static Dictionary<string, string> Metadata => new() { ["format"] = "pt", [ProducerKey] = Producer };

    /// <param name="source">Directory that the export is made from, which it may not replace; null: none.</param>
    /// <param name="fill">Writes the files into the directory that it is given.</param>
    /// <exception cref="BadInputException">The directory is the source's, or holds what no export writes.</exception>
    public static void Write(string directory, string? source, Action<string> fill)
    {
        var final = Path.GetFullPath(directory).TrimEnd(Path.DirectorySeparatorChar);
        CheckReplaceable(final, source);
        Directory.CreateDirectory(Path.GetDirectoryName(final)!);
        var part = $"{final}.{Guid.NewGuid():N}{AtomicFile.PartSuffix}";
        try
        {
            Directory.CreateDirectory(part);
            fill(part);
            // Moved aside first: a rename cannot replace a directory, and deleting takes long enough to be killed in.
            var old = $"{final}.{Guid.NewGuid():N}{AtomicFile.PartSuffix}";
            if (Directory.Exists(final)) Directory.Move(final, old);
            Directory.Move(part, final);
            if (Directory.Exists(old)) Directory.Delete(old, recursive: true);
        }
        catch
        {
            if (Directory.Exists(part)) Directory.Delete(part, recursive: true);
            throw;
        }
    }

    /// <summary>Writes weights as one file, or as shards with an index. Tensors are written, and so computed, in the given order.</summary>
    /// <param name="groups">Tensors of one group stand in one shard.</param>
    /// <param name="shardBytes">Largest shard, but for a group that alone is larger.</param>
    /// <param name="more">Metadata beside <see cref="Metadata"/>.</param>
    public static void WriteWeights(
        string directory, IEnumerable<IReadOnlyList<SafetensorsTensor>> groups, long shardBytes, IReadOnlyDictionary<string, string>? more = null)
    {
        var shards = new List<List<SafetensorsTensor>> { new() };
        long inShard = 0, total = 0;
        foreach (var group in groups)
        {
            var bytes = group.Sum(tensor => tensor.Bytes);
            if (inShard > 0 && inShard + bytes > shardBytes)
            {
                shards.Add([]);
                inShard = 0;
            }
            shards[^1].AddRange(group);
            inShard += bytes;
            total += bytes;
        }
        var metadata = Metadata;
        foreach (var (key, value) in more ?? new Dictionary<string, string>()) metadata[key] = value;
        if (shards.Count == 1)
        {
            AtomicFile.Write(Path.Combine(directory, HuggingFaceFiles.Single), stream => SafetensorsWriter.Write(stream, shards[0], metadata));
            return;
        }
        var map = new SortedDictionary<string, string>(StringComparer.Ordinal);
        for (var shard = 0; shard < shards.Count; shard++)
        {
            var file = $"model-{shard + 1:D5}-of-{shards.Count:D5}.safetensors";
            AtomicFile.Write(Path.Combine(directory, file), stream => SafetensorsWriter.Write(stream, shards[shard], metadata));
            foreach (var tensor in shards[shard]) map[tensor.Name] = file;
        }
        AtomicFile.WriteAllText(
            Path.Combine(directory, HuggingFaceFiles.Index),
            JsonSerializer.Serialize(new { metadata = new { total_size = total }, weight_map = map }, Indented) + "\n");
    }

    // An export holds weights, and small files of text or tokens beside them.
    private static void CheckReplaceable(string directory, string? source)
    {
        const string fix = "name a directory that is not there yet, or move it away";
        if (source is not null && Path.GetFullPath(source).TrimEnd(Path.DirectorySeparatorChar) == directory)
            throw new BadInputException(directory, "is the model that it would be made from, which an export would replace", fix);
        if (File.Exists(directory)) throw new BadInputException(directory, "is a file", fix);
        if (!Directory.Exists(directory)) return;
        var held = Directory.EnumerateFileSystemEntries(directory).Select(path => Path.GetFileName(path)).ToArray();
        if (held.Length == 0) return;
        var isExport = held.FirstOrDefault(name => name.EndsWith(".safetensors", StringComparison.Ordinal)) is { } weights
            && IsOurs(Path.Combine(directory, weights));
        var other = held.FirstOrDefault(name => Directory.Exists(Path.Combine(directory, name)) || !IsExported(name));
        if (!isExport || other is not null) throw new BadInputException(directory, $"holds {other ?? held[0]}, which is not of an earlier export", fix);
    }

    private static bool IsOurs(string weights)
    {
        using var file = new SafetensorsFile(weights);
        return file.Metadata.GetValueOrDefault(ProducerKey) == Producer;
    }

    private static bool IsExported(string name) =>
        Path.GetExtension(name) is ".json" or ".safetensors" or ".jinja" || name is "tokenizer.model" or "merges.txt" or "vocab.txt";
}
