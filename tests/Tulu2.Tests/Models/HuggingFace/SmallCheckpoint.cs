using System.Runtime.InteropServices;
using Tulu2.Checkpoints.Safetensors;
using Tulu2.Models.Families;
using Tulu2.Models.Families.Llama;
using Tulu2.Models.HuggingFace;
using Tulu2.Models.Parameters;

namespace Tulu2.Tests.Models.HuggingFace;

/// <summary>A model too small to say anything, as tensors and as a directory.</summary>
internal static unsafe class SmallCheckpoint
{
    public static readonly LlamaConfig Config = new()
    {
        HiddenSize = 32,
        IntermediateSize = 48,
        Layers = 2,
        Heads = 4,
        KeyValueHeads = 2,
        HeadSize = 8,
        VocabularySize = 64,
        RmsNormEpsilon = 1e-6,
        RopeTheta = 12345,
        MaxPositions = 99,
        InitializerRange = 0.01,
        BeginningId = 3,
        EndId = 7,
    };

    /// <summary>Fills a tensor with values that depend on its name and are exact in every element type.</summary>
    public static void Fill(string name, long[] shape, nint destination)
    {
        var random = new Random(name.Sum(letter => letter));
        foreach (ref var value in new Span<float>((float*)destination, (int)shape.Aggregate((product, size) => product * size))) value = random.Next(-64, 64) / 32f;
    }

    public static void Export(string directory, ModelConfig? config = null, string type = "F32", long shardBytes = HuggingFaceExport.DefaultShardBytes) =>
        HuggingFaceExport.Write(directory, config ?? Config, type, Fill, [], shardBytes: shardBytes);

    /// <summary>Writes the weights of a directory anew, after <paramref name="change"/>.</summary>
    public static void Rewrite(string directory, Action<Dictionary<string, SafetensorsTensor>> change, Dictionary<string, string>? metadata = null)
    {
        var path = Path.Combine(directory, "model.safetensors");
        var tensors = new Dictionary<string, SafetensorsTensor>();
        using (var file = new SafetensorsFile(path))
            foreach (var entry in file.Entries.Values)
            {
                var bytes = new ReadOnlySpan<byte>(file.Address(entry), (int)entry.Bytes).ToArray();
                tensors.Add(entry.Name, new SafetensorsTensor(entry.Name, entry.DataType, entry.Shape, stream => stream.Write(bytes)));
            }
        change(tensors);
        using var stream = File.Create(path);
        SafetensorsWriter.Write(stream, [.. tensors.Values], metadata ?? []);
    }

    /// <summary>Every tensor of a directory, in fp32, read through a layout of <paramref name="shards"/> virtual shards.</summary>
    public static Dictionary<string, float[]> Read(string directory, int shards = 1)
    {
        var config = HuggingFaceModel.ReadConfig(directory);
        var layout = new ParameterMap(config, shards);
        var flat = (float*)NativeMemory.Alloc((nuint)layout.Length, sizeof(float));
        try
        {
            new Span<float>(flat, (int)layout.Length).Fill(float.NaN);
            HuggingFaceModel.ReadWeights(directory, layout, (nint)flat);
            foreach (var matrix in layout.Matrices)
                for (var at = matrix.Offset + matrix.Length; at < Math.Min(layout.Length, (matrix.Offset + matrix.Length + 15) / 16 * 16); at++)
                    if (flat[at] != 0) throw new InvalidOperationException($"padding after {matrix.Key} is not zero");
            return layout.Slices.GroupBy(slice => slice.Slice.Name).ToDictionary(
                parts => parts.Key,
                parts => parts.OrderBy(part => part.Slice.Begin[0]).SelectMany(part => new Span<float>(flat + part.Offset, (int)part.Slice.Length).ToArray()).ToArray());
        }
        finally
        {
            NativeMemory.Free(flat);
        }
    }
}
