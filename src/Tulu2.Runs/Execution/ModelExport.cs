using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Tulu2.Checkpoints;
using Tulu2.Data.Export;
using Tulu2.Evaluation.Provenance;
using Tulu2.Models.HuggingFace;
using Tulu2.Models.Parameters;
using Tulu2.Runs.Preparation;
using Tulu2.Runs.RunFiles;
using Tulu2.Training.Recipes;

namespace Tulu2.Runs.Execution;

/// <summary>Writes Hugging Face directories from a run's checkpoints or from initial weights.</summary>
internal static unsafe class ModelExport
{
    /// <summary>Data type of a run's own export: the type that the model computed with.</summary>
    public static string TypeOf(Precision precision) => precision == Precision.Fp32 ? "F32" : "BF16";

    /// <summary>A Hugging Face directory, or of a run with adapters a PEFT folder.</summary>
    /// <param name="run">The directory of the run.</param>
    /// <param name="dataType">Of a Hugging Face directory; adapters are written as they were trained.</param>
    public static void FromCheckpoint(
        CheckpointStore store, Manifest manifest, ModelSource model, Recipe recipe, RunDirectory run, string dataType, string directory)
    {
        var read = HuggingFaceExport.FromCheckpoint(store, manifest);
        if (recipe.Lora is null) Write(directory, model, recipe, dataType, read, Trained(model, recipe), recipe.Model.Path);
        else
            AdapterFolder.Write(directory, RunParameters.Of(recipe, model.Config, recipe.Parallel.VirtualShards), read, BaseOf(model, recipe, run),
                Trained(model, recipe), RunParameters.QuantizedBase(recipe));
    }

    /// <summary>The whole model with the adapters of a checkpoint, beside the weights that they were trained with.</summary>
    public static MergeOutcome Merged(CheckpointStore store, Manifest manifest, ModelSource model, Recipe recipe, RunDirectory run, string dataType, string directory)
    {
        var adapter = new MergedAdapter(run.Name, RunParameters.Adapter(recipe.Lora!, recipe.Seed), HuggingFaceExport.FromCheckpoint(store, manifest), 1, RunParameters.QuantizedBase(recipe));
        var outcome = AdapterMerge.Write(BaseOf(model, recipe, run), [adapter], directory, choice: null, dataType);
        ProvenanceFile.Write(directory, RunProvenance.Of(recipe));
        return outcome;
    }

    /// <summary>The directory of the model beside which a run trains adapters; one that began with random weights is written into the run's exports.</summary>
    public static string BaseOf(ModelSource model, Recipe recipe, RunDirectory run)
    {
        if (recipe.Model.Path is { } path) return path;
        if (!Directory.Exists(run.BaseExport)) Initial(model, recipe, run.BaseExport);
        return run.BaseExport;
    }

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
            }, TokenizerFiles(model, recipe), source: null);
        }
        finally
        {
            NativeMemory.Free(weights);
        }
    }

    private static void Write(
        string directory, ModelSource model, Recipe recipe, string dataType, TensorSource read, IReadOnlyList<TokenizerFile> beside, string? source)
    {
        HuggingFaceExport.Write(directory, model.Config with { MaxPositions = Positions(model, recipe) }, dataType, read, beside, source);
    }

    // The tokenizer, and what the model was trained on.
    private static IReadOnlyList<TokenizerFile> Trained(ModelSource model, Recipe recipe) =>
        [.. TokenizerFiles(model, recipe), new TokenizerFile(ProvenanceFile.Name, ProvenanceFile.Content(RunProvenance.Of(recipe)))];

    private static IReadOnlyList<TokenizerFile> TokenizerFiles(ModelSource model, Recipe recipe) =>
        TokenizerExport.Files(model.Tokenizer, recipe.Data.Chat, Positions(model, recipe));

    private static int Positions(ModelSource model, Recipe recipe) => Math.Max(model.Config.MaxPositions, recipe.Data.MaxLength);

    /// <summary>
    /// SHA-256 over a checkpoint's fp32 master parameters, tensors in ordinal order of their names in files: the hash that the ranks report.
    /// </summary>
    public static string ParametersSha256(CheckpointStore store, Manifest manifest, ParameterMap trained)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var read = HuggingFaceExport.FromCheckpoint(store, manifest);
        foreach (var (name, shape) in trained.Tensors.OrderBy(tensor => tensor.Name, StringComparer.Ordinal))
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
