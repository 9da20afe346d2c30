using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Tulu2.Checkpoints;
using Tulu2.Checkpoints.Safetensors;
using Tulu2.Data.Export;
using Tulu2.Files;
using Tulu2.Models.Families;

namespace Tulu2.Models.HuggingFace;

/// <summary>Fills the fp32 buffer at an address with a whole Hugging Face tensor.</summary>
public delegate void TensorSource(string name, long[] shape, nint destination);

/// <summary>Writes an ordinary Hugging Face checkpoint directory, one tensor in memory at a time.</summary>
public static unsafe class HuggingFaceExport
{
    /// <summary>Largest shard that <c>save_pretrained</c> writes by default.</summary>
    public const long DefaultShardBytes = 5_000_000_000;

    private const int ChunkElements = 1 << 22;
    internal const string Generation = "generation_config.json";

    /// <summary>
    /// Writes config.json, generation_config.json, the weights and the tokenizer's files. The directory appears whole or not at all. An earlier
    /// export is replaced; a directory that holds anything else is left as it is.
    /// </summary>
    /// <param name="dataType">F32, F16 or BF16.</param>
    /// <param name="source">Directory of the model that was trained, whose unknown config.json keys are kept; null for random weights.</param>
    /// <exception cref="BadInputException">
    /// The directory is the source's, or holds what no export writes; an unknown element type; a value that it cannot hold.
    /// </exception>
    /// <exception cref="NonFiniteException">A weight is NaN or infinite.</exception>
    public static void Write(
        string directory, ModelConfig config, string dataType, TensorSource read, IReadOnlyList<TokenizerFile> tokenizerFiles, string? source = null, long shardBytes = DefaultShardBytes)
    {
        if (!SafetensorsTypes.IsFloat(dataType)) throw new BadInputException(dataType, "weights of this element type cannot be written", "choose F32, F16 or BF16");
        ExportDirectory.Write(directory, source, part =>
        {
            AtomicFile.WriteAllText(
                Path.Combine(part, HuggingFaceConfig.FileName),
                HuggingFaceConfig.Write(config, dataType, source is null ? null : Path.Combine(source, HuggingFaceConfig.FileName)));
            AtomicFile.WriteAllText(
                Path.Combine(part, Generation), HuggingFaceConfig.WriteGeneration(config, source is null ? null : Path.Combine(source, Generation)));
            var groups = HuggingFaceTensors.Of(config).Select(tensor => Group(Tensor(tensor.Name, tensor.Shape, dataType, read)));
            ExportDirectory.WriteWeights(part, groups, shardBytes);
            foreach (var file in tokenizerFiles) AtomicFile.WriteAllBytes(Path.Combine(part, file.Name), file.Content);
        });
    }

    /// <summary>A tensor in a floating-point type, rounded from fp32.</summary>
    internal static SafetensorsTensor Tensor(string name, long[] shape, string dataType, TensorSource read) =>
        new(name, dataType, shape, stream => WriteTensor(stream, name, shape, dataType, read));

    private static IReadOnlyList<SafetensorsTensor> Group(SafetensorsTensor tensor) => [tensor];

    /// <summary>Reads parameters out of a checkpoint of a run, whatever layout wrote it.</summary>
    public static TensorSource FromCheckpoint(CheckpointStore store, Manifest manifest) => (name, shape, destination) =>
        store.Load(manifest, [new StateBlock(StateKind.Parameter, new TensorSlice(name, shape, new long[shape.Length], shape), destination, shape[^1])]);

    private static void CheckRange(string name, string dataType, ReadOnlySpan<float> values)
    {
        // A NaN is the largest of all.
        var largest = TensorPrimitives.MaxMagnitude(values);
        NonFiniteException.Check(largest, () => ($"tensor {name}", "one of its elements"), NonFiniteException.BrokenWeights);
        if (MathF.Abs(largest) >= SafetensorsTypes.FirstInfinite(dataType))
            throw new BadInputException(dataType, $"tensor {name} holds {largest:R}, which it would write as infinity", $"export as {(dataType == "F16" ? "BF16 or F32" : "F32")}");
    }

    private static void WriteTensor(Stream stream, string name, long[] shape, string dataType, TensorSource read)
    {
        var length = shape.Aggregate(1L, (product, size) => product * size);
        var buffer = (float*)NativeMemory.Alloc((nuint)length, sizeof(float));
        try
        {
            read(name, shape, (nint)buffer);
            var size = SafetensorsTypes.Size(dataType)!.Value;
            var chunk = new byte[Math.Min(ChunkElements, length) * size];
            for (var at = 0L; at < length; at += ChunkElements)
            {
                var count = (int)Math.Min(ChunkElements, length - at);
                var values = new ReadOnlySpan<float>(buffer + at, count);
                SafetensorsTypes.FromSingle(dataType, values, chunk.AsSpan(0, count * size));
                CheckRange(name, dataType, values);
                stream.Write(chunk.AsSpan(0, count * size));
            }
        }
        finally
        {
            NativeMemory.Free(buffer);
        }
    }
}
