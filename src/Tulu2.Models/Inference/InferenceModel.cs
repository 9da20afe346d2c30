using Tulu2.Models.Families;
using Tulu2.Models.HuggingFace;
using Tulu2.Models.Kernels;

namespace Tulu2.Models.Inference;

/// <summary>
/// The weights of a decoder for inference alone: packed for products with few rows, in fp32, bf16, fp16 or NF4. Nothing in it changes, so that several
/// <see cref="InferencePass"/> may use it.
/// </summary>
public sealed class InferenceModel : IDisposable
{
    private readonly PackedMatrix? _embedding;

    private InferenceModel(InferenceLoader loader)
    {
        Config = loader.Config;
        try
        {
            Rotary = new RotaryTable(Config.HeadSize, Config.RopeTheta, Math.Min(Config.MaxPositions, 4096));
            // A tied model has one matrix, which is both.
            var embedding = loader.Vocabulary("embed");
            if (Config.TieEmbeddings) Head = embedding;
            else
            {
                _embedding = embedding;
                Head = loader.Vocabulary("head");
            }
            Blocks = [.. Enumerable.Range(0, Config.Layers).Select(loader.Block)];
            LastNorm = loader.Norm("norm");
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public ModelConfig Config { get; }

    /// <summary>Bytes of the matrices.</summary>
    public long Bytes => Head.Bytes + (_embedding?.Bytes ?? 0) + Blocks.Sum(block => block.Linears.Sum(linear => linear.Bytes));

    /// <summary>Bytes that a pass of one token reads: all but the embedding of an untied model.</summary>
    public long BytesPerPass => Bytes - (_embedding?.Bytes ?? 0);

    internal PackedMatrix Embedding => _embedding ?? Head;

    internal PackedMatrix Head { get; } = null!;

    internal IReadOnlyList<InferenceBlock> Blocks { get; } = [];

    internal NativeBuffer LastNorm { get; } = null!;

    internal RotaryTable Rotary { get; } = null!;

    /// <summary>Reads a Hugging Face directory, matrix by matrix: beside what the model holds, it never takes more memory than one matrix.</summary>
    /// <param name="adapter">A PEFT folder beside it; null: none.</param>
    /// <exception cref="Files.BadInputException">The files cannot be used.</exception>
    public static InferenceModel Load(string directory, ModelConfig config, string? adapter = null, InferencePrecision precision = InferencePrecision.Stored)
    {
        using var source = new DirectorySource(directory, config, precision);
        if (adapter is null) return new InferenceModel(new InferenceLoader(source, null));
        using var folder = AdapterFolder.Open(adapter);
        return new InferenceModel(new InferenceLoader(source, folder.ToMerge(config, weight: 1)));
    }

    /// <summary>A model with random weights, those of training with this seed.</summary>
    public static InferenceModel Random(ModelConfig config, int seed, InferenceForm form)
    {
        using var source = new RandomSource(config, seed, form);
        return new InferenceModel(new InferenceLoader(source, null));
    }

    public void Dispose()
    {
        _embedding?.Dispose();
        // A constructor that failed has not set everything.
        Head?.Dispose();
        LastNorm?.Dispose();
        foreach (var block in Blocks) block.Dispose();
    }
}
