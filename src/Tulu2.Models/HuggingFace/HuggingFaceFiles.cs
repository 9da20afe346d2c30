using System.Text.Json;
using Tulu2.Checkpoints.Safetensors;
using Tulu2.Checkpoints.TorchFiles;
using Tulu2.Files;

namespace Tulu2.Models.HuggingFace;

/// <summary>The weight files of a checkpoint directory: safetensors, or pickles as PyTorch writes them; one file, or shards with an index.</summary>
internal sealed class HuggingFaceFiles : IDisposable
{
    public const string Single = "model.safetensors";
    public const string Index = "model.safetensors.index.json";
    private const string Pickled = "pytorch_model.bin";
    private const string PickledIndex = "pytorch_model.bin.index.json";
    private const string Again = "copy the files again from the model's source";

    // Other files with weights that a directory may hold; a transformers trainer's own (training_args.bin, optimizer.pt) hold none.
    private static readonly string[] WeightPatterns = ["*.safetensors", "pytorch_model*.bin", "consolidated*.pth", "*.gguf"];

    private readonly List<ITensorFile> _files = [];
    private readonly string _directory;

    /// <exception cref="BadInputException">
    /// No weights, two kinds that contradict each other, a broken index, a missing shard, or a file that is not sound.
    /// </exception>
    public HuggingFaceFiles(string directory)
    {
        _directory = directory;
        try
        {
            if (!OpenOneOf(Single, Index) && !OpenOneOf(Pickled, PickledIndex)) throw NoWeights();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public Dictionary<string, (ITensorFile File, SafetensorsEntry Entry)> Tensors { get; } = [];

    /// <summary>Names that the files' metadata give to a tensor beside its own.</summary>
    public Dictionary<string, string> Aliases { get; } = [];

    /// <summary>The files that hold the weights, in order of their names.</summary>
    public IReadOnlyList<string> Paths => [.. _files.Select(file => file.Path).Order(StringComparer.Ordinal)];

    /// <summary>Names of files with weights that are not read, because others are.</summary>
    public IEnumerable<string> Unread =>
        WeightPatterns.SelectMany(pattern => Directory.EnumerateFiles(_directory, pattern)).Except(_files.Select(file => file.Path)).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal);

    public void Dispose() => _files.ForEach(file => file.Dispose());

    // transformers reads the single file where both exist; a user who sees the shards would expect them to be read.
    private bool OpenOneOf(string single, string index)
    {
        string one = Path.Combine(_directory, single), list = Path.Combine(_directory, index);
        if (!IsThere(list))
        {
            if (IsThere(one)) Open(one);
            return _files.Count > 0;
        }
        var map = ReadIndex(list);
        var shards = map.Values.Distinct().Order(StringComparer.Ordinal).ToArray();
        if (IsThere(one) && !shards.Contains(single))
            throw new BadInputException(_directory, $"{single} stands beside {index}, which names other files ({shards.FirstOrDefault()} and {shards.Length - 1} more): which of them is the model is not clear",
                $"move away {single}, or {index} with its shards");
        OpenShards(list, map, shards);
        return true;
    }

    private void OpenShards(string index, Dictionary<string, string> map, string[] shards)
    {
        foreach (var name in shards)
            if (name != Path.GetFileName(name)) throw new BadInputException(index, $"'{name}' is not a file of this directory", Again);
        var missing = shards.Where(name => !IsThere(Path.Combine(_directory, name))).ToArray();
        if (missing.Length > 0)
            throw new BadInputException(index, $"names the shard {missing[0]}, but there is no such file in {_directory} ({missing.Length} of {NumberText.Count(shards.Length, "shard")} missing)",
                $"download {string.Join(", ", missing.Take(3))}{(missing.Length > 3 ? " and the others" : "")} into it");
        foreach (var name in shards) Open(Path.Combine(_directory, name));
        foreach (var (tensor, file) in map)
            if (!Tensors.ContainsKey(tensor)) throw new BadInputException(index, $"tensor {tensor} is not in {file}", Again);
    }

    private static Dictionary<string, string> ReadIndex(string path)
    {
        using var json = JsonFile.OpenObject(path);
        if (!json.RootElement.TryGetProperty("weight_map", out var map) || map.ValueKind != JsonValueKind.Object)
            throw new BadInputException(path, "is not an index: it has no weight_map", Again);
        var result = new Dictionary<string, string>();
        foreach (var entry in map.EnumerateObject())
        {
            if (entry.Value.ValueKind != JsonValueKind.String) throw new BadInputException(path, $"is not an index: its weight_map names no file for {entry.Name}", Again);
            if (!result.TryAdd(entry.Name, entry.Value.GetString()!)) throw new BadInputException(path, $"names tensor {entry.Name} twice", Again);
        }
        return result.Count > 0 ? result : throw new BadInputException(path, "is not an index: its weight_map is empty", Again);
    }

    private void Open(string path)
    {
        ITensorFile file = path.EndsWith(".bin", StringComparison.Ordinal) ? new TorchFile(path) : new SafetensorsFile(path);
        _files.Add(file);
        foreach (var (name, kept) in file.Metadata) Aliases[name] = kept;
        foreach (var entry in file.Entries.Values)
            if (!Tensors.TryAdd(entry.Name, (file, entry))) throw new BadInputException(path, $"tensor {entry.Name} stands in two files", Again);
    }

    private BadInputException NoWeights()
    {
        const string fix = "give a Hugging Face checkpoint directory with its weights";
        if (!Directory.Exists(_directory)) return new BadInputException(_directory, "no such directory", fix);
        var found = WeightPatterns.SelectMany(pattern => Directory.EnumerateFiles(_directory, pattern)).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal).ToArray();
        return found.FirstOrDefault(name => name.Contains("-of-", StringComparison.Ordinal)) is { } shard
            ? new BadInputException(_directory, $"holds {shard}, a shard, but no index that says what is in it ({Index} or {PickledIndex})", "download the index too")
            : new BadInputException(_directory, $"holds no weights: neither {Single} nor {Pickled}, nor an index of shards"
                + (found.Length > 0 ? $" (but {found[0]}, which is not read)" : ""), fix);
    }

    // A link to nothing is there too, and named when it is opened.
    private static bool IsThere(string path) => File.Exists(path) || new FileInfo(path).LinkTarget is not null;
}
