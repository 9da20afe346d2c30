using System.Text.Json;
using Tulu2.Checkpoints.Safetensors;
using Tulu2.Files;

namespace Tulu2.Models.HuggingFace;

/// <summary>The weight files of a checkpoint directory: <c>model.safetensors</c>, or shards with an index.</summary>
internal sealed class HuggingFaceFiles : IDisposable
{
    public const string Single = "model.safetensors";
    public const string Index = "model.safetensors.index.json";

    private readonly List<SafetensorsFile> _files = [];

    /// <exception cref="BadInputException">No weights, a broken index, or a file that is not sound.</exception>
    public HuggingFaceFiles(string directory)
    {
        try
        {
            var index = Path.Combine(directory, Index);
            if (File.Exists(index)) OpenShards(directory, index);
            else if (File.Exists(Path.Combine(directory, Single))) Open(Path.Combine(directory, Single));
            else if (Directory.Exists(directory) && Directory.EnumerateFiles(directory, "pytorch_model*.bin").Any())
                throw new BadInputException(directory, "the weights are pickled (.bin)", "convert them to safetensors (save_pretrained with safe_serialization=True)");
            else throw new BadInputException(directory, $"neither {Single} nor {Index} is there", "give a Hugging Face checkpoint directory with safetensors weights");
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public Dictionary<string, (SafetensorsFile File, SafetensorsEntry Entry)> Tensors { get; } = [];

    /// <summary>Names that the files' metadata give to a tensor beside its own.</summary>
    public Dictionary<string, string> Aliases { get; } = [];

    public void Dispose() => _files.ForEach(file => file.Dispose());

    private void OpenShards(string directory, string index)
    {
        Dictionary<string, string> map;
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(index));
            map = json.RootElement.GetProperty("weight_map").EnumerateObject().ToDictionary(item => item.Name, item => item.Value.GetString()!);
        }
        catch (Exception fault) when (fault is JsonException or KeyNotFoundException or InvalidOperationException or ArgumentException)
        {
            throw new BadInputException(index, $"not an index ({fault.Message})", "copy the file again from the model's source", fault);
        }
        foreach (var name in map.Values.Distinct().Order(StringComparer.Ordinal))
        {
            if (name != Path.GetFileName(name)) throw new BadInputException(index, $"'{name}' is not a file of this directory", "copy the file again from the model's source");
            Open(Path.Combine(directory, name));
        }
        foreach (var (tensor, file) in map)
            if (!Tensors.ContainsKey(tensor)) throw new BadInputException(index, $"tensor {tensor} is not in {file}", "copy the files again from the model's source");
    }

    private void Open(string path)
    {
        var file = new SafetensorsFile(path);
        _files.Add(file);
        foreach (var (name, kept) in file.Metadata) Aliases[name] = kept;
        foreach (var entry in file.Entries.Values)
            if (!Tensors.TryAdd(entry.Name, (file, entry))) throw new BadInputException(path, $"tensor {entry.Name} stands in two files", "copy the files again from the model's source");
    }
}
