using System.Collections.Concurrent;
using Tulu2.Evaluation.Provenance;
using Tulu2.Files;
using Tulu2.Training.Recipes;

namespace Tulu2.Runs.Execution;

/// <summary>What a run's models were trained on, for their exports: the stages of the model that it began with, and its own.</summary>
internal static class RunProvenance
{
    // An export of the best model after each validation must not read all data again.
    private static readonly ConcurrentDictionary<(string Path, long Bytes, DateTime Written), string> Hashes = new();

    public static ModelProvenance Of(Recipe recipe)
    {
        var before = ((string?[])[recipe.Model.Path, recipe.Lora?.Adapter]).OfType<string>().Select(Before);
        var data = recipe.Data.Train.SelectMany(source => source.Files.Select(file => Data(file, source.Name)));
        return ModelProvenance.Joined(before).Then(new TrainingStage($"{recipe.Objective}".ToLowerInvariant(), [.. data]));
    }

    // A training that is done must not be lost to a damaged note beside the model that it began with.
    private static ModelProvenance Before(string directory)
    {
        try
        {
            return ProvenanceFile.Read(directory);
        }
        catch (Exception fault) when (fault is BadInputException or IOException or UnauthorizedAccessException)
        {
            return ModelProvenance.Unknown;
        }
    }

    private static TrainedData Data(string path, string? given)
    {
        var name = given is null ? NameOf(path) : $"{given}: {NameOf(path)}";
        try
        {
            var file = new FileInfo(path);
            if (!file.Exists) return new TrainedData(name);
            var hash = Hashes.GetOrAdd((file.FullName, file.Length, file.LastWriteTimeUtc), key => ContentHash.OfFile(key.Path));
            return new TrainedData(name, file.Length, hash);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return new TrainedData(name);
        }
    }

    /// <summary>A name on a hub, also of a file in its cache; otherwise folder and file, without the rest of the path, which says nothing on another
    /// machine.</summary>
    internal static string NameOf(string path)
    {
        if (HubUri.Is(path)) return path;
        var parts = Path.GetFullPath(path).Split(Path.DirectorySeparatorChar);
        var cached = Array.FindLast(parts, part => part.StartsWith("datasets--", StringComparison.Ordinal));
        return cached is null ? string.Join('/', parts[^Math.Min(2, parts.Length)..])
            : $"hf://{cached.Replace("--", "/", StringComparison.Ordinal)}/{parts[^1]}";
    }
}
