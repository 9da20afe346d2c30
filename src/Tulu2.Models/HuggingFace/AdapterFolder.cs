using Tulu2.Checkpoints.Safetensors;
using Tulu2.Checkpoints.TorchFiles;
using Tulu2.Data.Export;
using Tulu2.Files;
using Tulu2.Models.Families;
using Tulu2.Models.Parameters;

namespace Tulu2.Models.HuggingFace;

/// <summary>
/// A PEFT folder with low-rank adapters: <c>adapter_config.json</c>, and <c>adapter_model.safetensors</c> (or <c>.bin</c>) with the tensors
/// <c>base_model.model.{layer}.lora_A.weight</c> [rank, inputs] and <c>...lora_B.weight</c> [outputs, rank].
/// </summary>
public sealed unsafe class AdapterFolder : IDisposable
{
    private const string Weights = "adapter_model.safetensors", Pickled = "adapter_model.bin";

    /// <summary>Metadata of the weights: how the model beside them was quantised while they were trained.</summary>
    private const string QuantizedKey = "quantized_base";

    /// <summary>Values of <see cref="QuantizedBase"/>: NF4 with scales in fp32, and in 8 bits.</summary>
    public const string Quantized = "nf4", DoubleQuantized = "nf4 double_quant";
    private readonly AdapterConfig _config;
    private readonly ITensorFile _file;

    private AdapterFolder(string directory, AdapterConfig config, ITensorFile file) => (Directory, _config, _file) = (directory, config, file);

    public string Directory { get; }

    /// <summary>The model that the adapters say they were trained beside; null: they say nothing.</summary>
    public string? Base => _config.Base;

    /// <summary>How that model was quantised then; null: it was not, or they say nothing.</summary>
    public string? QuantizedBase => _file.Metadata.GetValueOrDefault(QuantizedKey);

    /// <summary>A directory holds adapters and no model.</summary>
    public static bool Is(string directory) =>
        File.Exists(Path.Combine(directory, AdapterConfig.FileName)) && !File.Exists(Path.Combine(directory, HuggingFaceConfig.FileName));

    /// <exception cref="BadInputException">Not such a folder, or adapters of a kind that is not supported.</exception>
    public static AdapterFolder Open(string directory)
    {
        if (!System.IO.Directory.Exists(directory)) throw new BadInputException(directory, "no such directory", "name a PEFT folder");
        if (!File.Exists(Path.Combine(directory, AdapterConfig.FileName)))
            throw new BadInputException(directory, $"holds no {AdapterConfig.FileName}", "name a PEFT folder: exports/final of a run with `lora`, or one that PEFT saved");
        var config = AdapterConfig.Read(directory);
        string safe = Path.Combine(directory, Weights), pickled = Path.Combine(directory, Pickled);
        if (File.Exists(safe)) return new AdapterFolder(directory, config, new SafetensorsFile(safe));
        if (File.Exists(pickled)) return new AdapterFolder(directory, config, new TorchFile(pickled));
        throw new BadInputException(directory, $"holds no weights: neither {Weights} nor {Pickled}", "copy the folder again from its source");
    }

    /// <summary>Rank, scale and targets of the adapters, which are checked against the model's shape.</summary>
    /// <exception cref="BadInputException">Names the tensor that does not fit.</exception>
    public AdapterSettings SettingsFor(ModelConfig model)
    {
        var targets = AdapterSettings.Adaptable(model).Where(tensor => Has(AdapterTensors.InputName(tensor.Name)) || Has(AdapterTensors.OutputName(tensor.Name)))
            .Select(AdapterTensors.ProjectionOf).Distinct().ToArray();
        if (targets.Length == 0) throw new BadInputException(_file.Path, $"holds no adapter of a layer of the model{Example()}", "use the model that they were trained beside");
        var settings = _config.Settings with { Targets = targets.Length == AdapterSettings.Projections(model).Count ? null : targets };
        var expected = AdapterTensors.Of(model, settings);
        foreach (var tensor in expected) Check(tensor);
        var known = expected.Select(tensor => tensor.Name).ToHashSet();
        if (_file.Entries.Keys.Where(name => !known.Contains(name)).Order(StringComparer.Ordinal).FirstOrDefault() is { } left)
            throw new BadInputException(_file.Path, $"tensor {left} is left over: the model has no place for it", "use the model that they were trained beside");
        return settings;
    }

    /// <summary>The adapters, to be added to a model; they are read as long as this object is open.</summary>
    /// <exception cref="BadInputException">Names the tensor that does not fit the model.</exception>
    public MergedAdapter ToMerge(ModelConfig model, double weight) => new(Directory, SettingsFor(model), (name, _, destination) =>
        HuggingFaceModel.ReadRun(_file.Entries[name].DataType, _file.Address(_file.Entries[name]), (float*)destination, _file.Entries[name].Elements), weight, QuantizedBase);

    /// <summary>Reads the map's adapters into the fp32 flat buffer at <paramref name="destination"/> (map.Length zeroed floats).</summary>
    /// <exception cref="BadInputException">As <see cref="Open"/>; a tensor is missing.</exception>
    public static void ReadWeights(string directory, ParameterMap map, nint destination)
    {
        using var folder = Open(directory);
        foreach (var slice in map.Slices)
        {
            if (!folder._file.Entries.TryGetValue(slice.Slice.Name, out var entry)) throw folder.Missing(slice.Slice.Name);
            HuggingFaceModel.Read(entry.DataType, folder._file.Address(entry), slice, (float*)destination + slice.Offset);
        }
    }

    /// <summary>Writes a folder that PEFT loads; it appears whole or not at all. Tensors are written in fp32.</summary>
    /// <param name="baseModel">Path or name of the model beside them.</param>
    /// <param name="quantizedBase">As <see cref="QuantizedBase"/>.</param>
    /// <exception cref="BadInputException">The directory holds what no export writes.</exception>
    /// <exception cref="NonFiniteException">A weight is NaN or infinite.</exception>
    public static void Write(
        string directory, ModelParameters parameters, TensorSource read, string? baseModel, IReadOnlyList<TokenizerFile> tokenizerFiles, string? quantizedBase = null)
    {
        var settings = parameters.Adapter ?? throw new ArgumentException("the model has no adapters", nameof(parameters));
        ExportDirectory.Write(directory, source: null, part =>
        {
            AtomicFile.WriteAllText(Path.Combine(part, AdapterConfig.FileName),
                new AdapterConfig(settings, baseModel).Write(settings.Targets ?? AdapterSettings.Projections(parameters.Config)));
            var tensors = parameters.Trained.Tensors.Select(tensor => HuggingFaceExport.Tensor(tensor.Name, tensor.Shape, "F32", read)).ToList();
            var metadata = ExportDirectory.Metadata;
            if (quantizedBase is not null) metadata[QuantizedKey] = quantizedBase;
            AtomicFile.Write(Path.Combine(part, Weights), stream => SafetensorsWriter.Write(stream, tensors, metadata));
            foreach (var file in tokenizerFiles) AtomicFile.WriteAllBytes(Path.Combine(part, file.Name), file.Content);
        });
    }

    /// <summary>SHA-256 of what decides the adapters' effect.</summary>
    public string ContentKey => ContentHash.OfParts([$"{_config.Settings}", ContentHash.OfFile(_file.Path)]);

    public void Dispose() => _file.Dispose();

    private bool Has(string tensor) => _file.Entries.ContainsKey(tensor);

    private void Check(ModelTensor tensor)
    {
        if (!_file.Entries.TryGetValue(tensor.Name, out var entry)) throw Missing(tensor.Name);
        if (!SafetensorsTypes.IsFloat(entry.DataType))
            throw new BadInputException(_file.Path, $"tensor {tensor.Name} has element type {entry.DataType}", "use weights in F32, F16 or BF16");
        if (!entry.Shape.SequenceEqual(tensor.Shape))
            throw new BadInputException(_file.Path,
                $"tensor {tensor.Name} has shape [{string.Join(", ", entry.Shape)}], rank and model ask for [{string.Join(", ", tensor.Shape)}]",
                "use the model that the adapters were trained beside");
    }

    // All layers must have the same projections: there is no key that says otherwise.
    private BadInputException Missing(string tensor) =>
        new(_file.Path, $"tensor {tensor} is missing{Example()}", "use adapters of the same projections in every layer, and the model that they were trained beside");

    private string Example() => _file.Entries.Keys.Order(StringComparer.Ordinal).FirstOrDefault() is { } name ? $" (it holds {name} ...)" : " (it holds nothing)";
}
