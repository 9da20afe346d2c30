using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Tulu2.Checkpoints;
using Tulu2.Data.Export;
using Tulu2.Models.Families;
using Tulu2.Models.HuggingFace;
using Tulu2.Models.Parameters;
using Tulu2.Runs.Preparation;
using Tulu2.Training.Recipes;

namespace Tulu2.Runs.Execution;

/// <summary>Writes Hugging Face directories from a run's checkpoints or from initial weights.</summary>
internal static unsafe class ModelExport
{
    /// <summary>Data type of a run's own export: the type that the model computed with.</summary>
    public static string TypeOf(Precision precision) => precision == Precision.Fp32 ? "F32" : "BF16";

    public static void FromCheckpoint(CheckpointStore store, Manifest manifest, ModelSource model, Recipe recipe, string dataType, string directory) =>
        Write(directory, model, recipe, dataType, HuggingFaceExport.FromCheckpoint(store, manifest), recipe.Model.Path);

    /// <summary>Writes the random weights that a preset starts from, a pure function of the seed.</summary>
    public static void Initial(ModelSource model, Recipe recipe, string directory)
    {
        // One virtual shard, so that every tensor is contiguous.
        var map = new ParameterMap(model.Config, 1);
        var weights = (float*)NativeMemory.AllocZeroed((nuint)map.Length, sizeof(float));
        try
        {
            RandomWeights.Fill(map, recipe.Seed, (nint)weights);
            var slices = map.Slices.ToDictionary(slice => slice.Slice.Name);
            Write(directory, model, recipe, "F32", (name, _, destination) =>
            {
                var slice = slices[name];
                var bytes = slice.Slice.Length * sizeof(float);
                Buffer.MemoryCopy(weights + slice.Offset, (void*)destination, bytes, bytes);
            }, source: null);
        }
        finally
        {
            NativeMemory.Free(weights);
        }
    }

    private static void Write(string directory, ModelSource model, Recipe recipe, string dataType, TensorSource read, string? source)
    {
        var config = model.Config with { MaxPositions = Math.Max(model.Config.MaxPositions, recipe.Data.MaxLength) };
        HuggingFaceExport.Write(directory, config, dataType, read, TokenizerExport.Files(model.Tokenizer, recipe.Data.Chat, config.MaxPositions), source);
    }

    /// <summary>
    /// SHA-256 over a checkpoint's fp32 master parameters, tensors in ordinal order of their Hugging Face names: the hash that the ranks report.
    /// </summary>
    public static string ParametersSha256(CheckpointStore store, Manifest manifest, ModelConfig config)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var read = HuggingFaceExport.FromCheckpoint(store, manifest);
        foreach (var (name, shape) in HuggingFaceTensors.Of(config).OrderBy(tensor => tensor.Name, StringComparer.Ordinal))
        {
            var bytes = shape.Aggregate(1L, (product, size) => product * size) * sizeof(float);
            var buffer = (byte*)NativeMemory.Alloc((nuint)bytes);
            try
            {
                read(name, shape, (nint)buffer);
                for (var done = 0L; done < bytes; done += 1 << 28)
                    hash.AppendData(new ReadOnlySpan<byte>(buffer + done, (int)Math.Min(1 << 28, bytes - done)));
            }
            finally
            {
                NativeMemory.Free(buffer);
            }
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
