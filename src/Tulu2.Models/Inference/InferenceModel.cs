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
        (Config, Shard) = (loader.Config, loader.Shard);
        Local = Shard.Local(Config);
        try
        {
            Rotary = new RotaryTable(Config.HeadSize, Config.RopeTheta, Math.Min(Config.MaxPositions, 4096));
            // A tied model has one matrix, which is both; a shard needs all of the one and a part of the other.
            if (!Config.TieEmbeddings || !Shard.IsWhole) _embedding = loader.Embedding();
            Head = loader.Head();
            Blocks = [.. Enumerable.Range(0, Config.Layers).Select(loader.Block)];
            LastNorm = loader.Norm("norm");
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The whole model's.</summary>
    public ModelConfig Config { get; }

    /// <summary>What of it is here.</summary>
    public InferenceShard Shard { get; }

    /// <summary>The shape of what is here (<see cref="InferenceShard.Local"/>).</summary>
    public ModelConfig Local { get; }

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
    /// <param name="shard">What of it to hold; null: all.</param>
    /// <exception cref="Files.BadInputException">The files cannot be used.</exception>
    public static InferenceModel Load(string directory, ModelConfig config, string? adapter = null, InferencePrecision precision = InferencePrecision.Stored,
        InferenceShard? shard = null)
    {
        shard ??= InferenceShard.Whole;
        InferenceShard.Check(directory, config, shard.Count);
        using var source = new DirectorySource(directory, config, precision);
        if (adapter is null) return new InferenceModel(new InferenceLoader(source, null, shard));
        using var folder = AdapterFolder.Open(adapter);
        return new InferenceModel(new InferenceLoader(source, folder.ToMerge(config, weight: 1), shard));
    }

    /// <summary>A model with random weights, those of training with this seed.</summary>
    /// <param name="shard">What of it to hold; null: all.</param>
    public static InferenceModel Random(ModelConfig config, int seed, InferenceForm form, InferenceShard? shard = null)
    {
        using var source = new RandomSource(config, seed, form);
        return new InferenceModel(new InferenceLoader(source, null, shard ?? InferenceShard.Whole));
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
