using Tulu2.Checkpoints.Safetensors;
using Tulu2.Files;

namespace Tulu2.Models.HuggingFace;

/// <summary>A directory that is exported: it appears whole or not at all, and replaces an earlier export but nothing else.</summary>
internal static class ExportDirectory
{
    // Marks an export, which a later one may replace; a model from elsewhere has no such mark.
    private const string ProducerKey = "producer", Producer = "tulu2";

    /// <summary>Metadata of the safetensors files of an export.</summary>
    public static Dictionary<string, string> Metadata => new() { ["format"] = "pt", [ProducerKey] = Producer };

    /// <param name="source">A directory that it must not be; null: none.</param>
    /// <param name="fill">Writes the files into the directory that it is given.</param>
    /// <exception cref="BadInputException">The directory is the source, or holds what no export writes.</exception>
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

    // An export holds weights, and small files of text or tokens beside them.
    private static void CheckReplaceable(string directory, string? source)
    {
        const string fix = "name a directory that is not there yet, or move it away";
        if (source is not null && Path.GetFullPath(source).TrimEnd(Path.DirectorySeparatorChar) == directory)
            throw new BadInputException(directory, "is the model that was trained, which an export would replace", fix);
        if (File.Exists(directory)) throw new BadInputException(directory, "is a file", fix);
        if (!Directory.Exists(directory)) return;
        var held = Directory.EnumerateFileSystemEntries(directory).Select(path => Path.GetFileName(path)).ToArray();
        if (held.Length == 0) return;
        var isExport = held.FirstOrDefault(name => name.EndsWith(".safetensors", StringComparison.Ordinal)) is { } weights && IsOurs(Path.Combine(directory, weights));
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
