using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Tulu2.Checkpoints.Safetensors;
using Tulu2.Files;
using Tulu2.Models.Families;
using Tulu2.Models.Parameters;
using Tulu2.Models.Quantization;

namespace Tulu2.Models.HuggingFace;

/// <summary>
/// A Hugging Face checkpoint directory: <c>config.json</c>, weights (safetensors or PyTorch's pickles; one file or shards with an index; linears also in
/// bitsandbytes' NF4), tokenizer files.
/// </summary>
public static unsafe class HuggingFaceModel
{
    private const int ChunkElements = 1 << 24;

    /// <exception cref="BadInputException">No directory, no or broken config.json, an architecture that no family reads.</exception>
    public static ModelConfig ReadConfig(string directory) => HuggingFaceConfig.Read(directory);

    /// <summary>
    /// A config as text that <see cref="ParseConfig"/> reads again, but for <see cref="ModelConfig.UsedVocabulary"/>, of which the format knows nothing.
    /// </summary>
    public static string ConfigText(ModelConfig config) => HuggingFaceConfig.Write(config, "F32", source: null);

    /// <exception cref="BadInputException">Not the text of a config.json that a family reads.</exception>
    public static ModelConfig ParseConfig(string text) => HuggingFaceConfig.Parse(HuggingFaceConfig.FileName, (JsonObject)JsonNode.Parse(text)!);

    /// <summary>
    /// Reads the weight files' headers only: fails where <see cref="ReadWeights"/> would, before a run does anything that takes long.
    /// </summary>
    /// <returns>Remarks for the user: tensors and files that are not used.</returns>
    /// <exception cref="BadInputException">A missing, left-over or mis-shaped tensor (named), a truncated file.</exception>
    public static IReadOnlyList<string> CheckWeights(string directory, ModelConfig config)
    {
        using var files = new HuggingFaceFiles(directory);
        return Check(directory, files, config);
    }

    /// <summary>A directory's linears are in NF4.</summary>
    public static bool IsQuantized(string directory) => HuggingFaceConfig.IsQuantized(directory);

    /// <summary>The files that hold the weights, in order of their names.</summary>
    /// <exception cref="BadInputException">No weights, or files that are not sound.</exception>
    public static IReadOnlyList<string> WeightFiles(string directory)
    {
        using var files = new HuggingFaceFiles(directory);
        return files.Paths;
    }

    /// <summary>
    /// Reads the map's tensors into the fp32 flat buffer at <paramref name="destination"/> (map.Length floats), converting from F32, F16, BF16 or NF4;
    /// padding is zeroed. The files are mapped and only the wanted slices are touched, so that a part of a model takes the memory of that part.
    /// </summary>
    /// <exception cref="BadInputException">A missing, left-over or mis-shaped tensor (named), a truncated file.</exception>
    public static void ReadWeights(string directory, ParameterMap map, nint destination)
    {
        using var files = new HuggingFaceFiles(directory);
        Check(directory, files, map.Config);
        NativeMemory.Clear((void*)destination, (nuint)(map.Length * sizeof(float)));
        var aliases = map.Config.Family.Tensors(map.Config).ToDictionary(tensor => tensor.Name, tensor => tensor.Alias);
        var fourBit = FourBitTensors.Of(files, map.Config);
        foreach (var slices in map.Slices.GroupBy(slice => slice.Slice.Name))
        {
            var quantized = fourBit.Contains(slices.Key) ? FourBitTensors.Read(directory, files, slices.Key, slices.First().Slice.Shape) : null;
            foreach (var slice in slices)
            {
                var part = slice.Slice;
                var target = (float*)destination + slice.Offset;
                if (quantized is not null)
                    quantized.Restore(part.Begin[0], part.Size[0], part.Begin[1], part.Size[1], target, slice.RowStride);
                else if (Find(files, slices.Key, aliases[slices.Key])!.Value is var (file, entry))
                    Read(entry.DataType, file.Address(entry), slice, target);
            }
        }
    }

    /// <summary>
    /// Hands over linears (<see cref="HuggingFaceTensors.Linears"/>) in NF4, one at a time: as the files hold them where they are quantised, with scales of
    /// either kind; otherwise quantised from the files' values.
    /// </summary>
    /// <param name="doubleQuant">Of those that are quantised here.</param>
    /// <param name="take">Called for each name, in the given order.</param>
    /// <exception cref="ArgumentException">A name is not that of a linear.</exception>
    /// <exception cref="BadInputException">As <see cref="ReadWeights"/>.</exception>
    /// <exception cref="NonFiniteException">A weight to be quantised is NaN or infinite.</exception>
    public static void ReadQuantized(string directory, ModelConfig config, IEnumerable<string> names, bool doubleQuant, Action<string, Nf4Tensor> take)
    {
        using var files = new HuggingFaceFiles(directory);
        Check(directory, files, config);
        var linears = config.Family.Tensors(config).Where(tensor => tensor.IsLinear).ToDictionary(tensor => tensor.Name);
        var fourBit = FourBitTensors.Of(files, config);
        foreach (var name in names)
        {
            var linear = linears.GetValueOrDefault(name) ?? throw new ArgumentException($"{name} is no linear", nameof(names));
            take(name, ReadQuantized(directory, files, linear, fourBit, doubleQuant));
        }
    }

    internal static Nf4Tensor ReadQuantized(string directory, HuggingFaceFiles files, ModelTensor tensor, HashSet<string> fourBit, bool doubleQuant)
    {
        if (fourBit.Contains(tensor.Name)) return FourBitTensors.Read(directory, files, tensor.Name, tensor.Shape);
        var values = (float*)NativeMemory.Alloc((nuint)tensor.Length, sizeof(float));
        try
        {
            ReadWhole(files, tensor, values);
            return Nf4.Quantize(tensor.Name, tensor.Shape[0], tensor.Shape[1], (nint)values, doubleQuant);
        }
        finally
        {
            NativeMemory.Free(values);
        }
    }

    /// <summary>Reads a tensor that is not quantised, in fp32.</summary>
    internal static void ReadWhole(HuggingFaceFiles files, ModelTensor tensor, float* target)
    {
        var (file, entry) = Find(files, tensor.Name, tensor.Alias)!.Value;
        ReadRun(entry.DataType, file.Address(entry), target, tensor.Length);
    }

    internal static void Read(string dataType, byte* tensor, ParameterSlice slice, float* target)
    {
        var part = slice.Slice;
        long size = SafetensorsTypes.Size(dataType)!.Value, width = part.Size[^1], pitch = part.Shape[^1];
        var source = tensor + ((part.Shape.Length == 1 ? 0 : part.Begin[0] * pitch) + part.Begin[^1]) * size;
        var (rows, stride) = (part.Length / width, slice.RowStride);
        // Whole rows stand together on both sides.
        if (width == pitch && width == stride) (rows, width) = (1, part.Length);
        for (var row = 0L; row < rows; row++, source += pitch * size, target += stride) ReadRun(dataType, source, target, width);
    }

    /// <summary>Reads consecutive elements, in fp32.</summary>
    internal static void ReadRun(string dataType, byte* source, float* target, long count)
    {
        long size = SafetensorsTypes.Size(dataType)!.Value;
        for (var at = 0L; at < count; at += ChunkElements)
            SafetensorsTypes.ToSingle(dataType, source + at * size, new Span<float>(target + at, (int)Math.Min(ChunkElements, count - at)));
    }

    internal static List<string> Check(string directory, HuggingFaceFiles files, ModelConfig config)
    {
        const string fix = "use the config.json that belongs to these weights";
        var expected = config.Family.Tensors(config);
        var fourBit = FourBitTensors.Of(files, config);
        CheckQuantization(directory, fourBit, expected.FirstOrDefault(tensor => tensor.IsLinear)?.Name);
        foreach (var tensor in expected)
            if (fourBit.Contains(tensor.Name)) FourBitTensors.Check(directory, files, tensor.Name, tensor.Shape);
            else CheckTensor(directory, files, config, tensor, fix);
        var known = expected.SelectMany(tensor => (string?[])[tensor.Name, tensor.Alias]).Concat(fourBit.SelectMany(FourBitTensors.Names)).ToHashSet();
        var unknown = files.Tensors.Keys.Where(name => !known.Contains(name)).Order(StringComparer.Ordinal).ToArray();
        if (unknown.FirstOrDefault(name => !HuggingFaceTensors.IsUnused(name)) is { } left)
            throw new BadInputException(directory, $"tensor {left} is left over: this model has no place for it", fix);
        foreach (var tensor in expected)
        {
            if (tensor.Alias is null || !files.Tensors.TryGetValue(tensor.Name, out var one) || !files.Tensors.TryGetValue(tensor.Alias, out var other)) continue;
            if (one.Entry.DataType != other.Entry.DataType || one.Entry.Bytes != other.Entry.Bytes || !SameBytes(one, other))
                throw new BadInputException(directory, "config.json ties head and embedding, but the files hold two different ones", "set tie_word_embeddings to false");
        }
        var remarks = new List<string>();
        if (unknown.Length > 0) remarks.Add($"{directory}: {Counted(unknown, "tensor")} that this model does not use");
        if (files.Unread.ToArray() is { Length: > 0 } unread) remarks.Add($"{directory}: {Counted(unread, "file")} with weights that are not read beside {Path.GetFileName(files.Paths[0])}");
        return remarks;
    }

    private static void CheckQuantization(string directory, HashSet<string> fourBit, string? first)
    {
        var isQuantized = HuggingFaceConfig.IsQuantized(directory);
        if (fourBit.Count > 0 && !isQuantized)
            throw new BadInputException(
                directory, $"tensor {fourBit.Order(StringComparer.Ordinal).First()} is quantised, but config.json has no {QuantizationKeys.Name}",
                "use the config.json that belongs to these weights");
        if (fourBit.Count == 0 && isQuantized)
            throw new BadInputException(directory, $"config.json has {QuantizationKeys.Name}, but no linear is quantised (such as {first})",
                $"remove {QuantizationKeys.Name} from config.json, or use the weights that belong to it");
    }

    private static void CheckTensor(string directory, HuggingFaceFiles files, ModelConfig config, ModelTensor tensor, string fix)
    {
        var (name, shape) = (tensor.Name, tensor.Shape);
        if (Find(files, name, tensor.Alias) is not { } found)
            throw new BadInputException(
                directory, $"tensor {name} is missing{Prefixed(files, name)}",
                tensor.Role == TensorRole.Vocabulary && tensor.Layer == config.Layers ? "if the head is tied, config.json must say tie_word_embeddings: true" : fix);
        if (!SafetensorsTypes.IsFloat(found.Entry.DataType))
            throw new BadInputException(found.File.Path, $"tensor {name} has element type {found.Entry.DataType}", "use weights in F32, F16 or BF16");
        if (!found.Entry.Shape.SequenceEqual(shape))
            throw new BadInputException(
                found.File.Path, $"tensor {name} has shape [{string.Join(", ", found.Entry.Shape)}], config.json asks for [{string.Join(", ", shape)}]",
                tensor.Role == TensorRole.Vocabulary && found.Entry.Shape is [var rows, var columns] && columns == shape[1]
                    ? $"the weights are for a vocabulary of {rows}, config.json says vocab_size {shape[0]}: {fix}" : fix);
    }

    private static string Counted(string[] names, string what) => names is [var only] ? $"1 {what} ({only})" : $"{names.Length} {what}s ({names[0]} ...)";

    // A wrapper (DistributedDataParallel, peft) puts its own name in front of all names.
    private static string Prefixed(HuggingFaceFiles files, string name) =>
        files.Tensors.Keys.FirstOrDefault(key => key.EndsWith("." + name, StringComparison.Ordinal)) is { } longer ? $" (but {longer} is there: the model was saved inside a wrapper)" : "";

    // A tied model's file may hold the one tensor under either name. Tensors that shared their memory when they were saved are kept once, and the
    // metadata say under which name the others are to be found.
    internal static (ITensorFile File, SafetensorsEntry Entry)? Find(HuggingFaceFiles files, string name, string? alias) =>
        files.Tensors.TryGetValue(name, out var found) ? found
        : alias is not null && files.Tensors.TryGetValue(alias, out var head) ? head
        : files.Aliases.TryGetValue(name, out var kept) && files.Tensors.TryGetValue(kept, out var shared) ? shared
        : null;

    private static bool SameBytes((ITensorFile File, SafetensorsEntry Entry) a, (ITensorFile File, SafetensorsEntry Entry) b)
    {
        byte* left = a.File.Address(a.Entry), right = b.File.Address(b.Entry);
        for (var at = 0L; at < a.Entry.Bytes; at += ChunkElements)
        {
            var count = (int)Math.Min(ChunkElements, a.Entry.Bytes - at);
            if (!new ReadOnlySpan<byte>(left + at, count).SequenceEqual(new ReadOnlySpan<byte>(right + at, count))) return false;
        }
        return true;
    }
}
