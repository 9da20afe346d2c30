using Tulu2.Collectives.Layout;

namespace Tulu2.Models.Llama;

/// <summary>
/// What one rank of a replica holds: of the layers FirstLayer..EndLayer-1 a contiguous run of the virtual shards, and all of their norm weights. The first
/// stage also holds the embedding, the last one the last norm and the head. Pure arithmetic.
/// </summary>
/// <param name="TensorPlace">Which run of the virtual shards.</param>
/// <param name="TensorDegree">How many ranks share each matrix.</param>
public sealed record ModelPart(int TensorPlace, int TensorDegree, int FirstLayer, int EndLayer)
{
    public int Layers => EndLayer - FirstLayer;

    public static ModelPart Whole(LlamaConfig config) => new(0, 1, 0, config.Layers);

    /// <exception cref="ArgumentException">The model has too few layers for the stages, or a tied head.</exception>
    public static ModelPart Of(LlamaConfig config, ParallelLayout layout, int rank)
    {
        var place = layout.CoordinatesOf(rank);
        var layers = PipelineStages.Split(config, layout.Pipeline)[place.Pipeline];
        return new ModelPart(place.Tensor, layout.Tensor, layers.First, layers.End);
    }
}

/// <summary>The layers First..End-1.</summary>
public readonly record struct LayerRange(int First, int End)
{
    public int Count => End - First;
}

/// <summary>How a model's layers are cut into pipeline stages. Pure: every rank comes to the same cut by itself.</summary>
public static class PipelineStages
{
    /// <summary>
    /// The cut whose dearest stage is cheapest. A block costs its matrices, the head its own, the embedding nothing. Where cuts are equally good, later
    /// stages take more layers, because they keep fewer slots' activations.
    /// </summary>
    /// <exception cref="ArgumentException">More stages than layers, or a tied head, which first and last stage would both have to hold.</exception>
    public static IReadOnlyList<LayerRange> Split(LlamaConfig config, int stages)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(stages, 1);
        if (stages == 1) return [new LayerRange(0, config.Layers)];
        if (stages > config.Layers) throw new ArgumentException($"{config.Layers} layers do not make {stages} pipeline stages: each needs at least one", nameof(stages));
        CheckUntied(config);
        long block = BlockCost(config), head = HeadCost(config), best = long.MaxValue;
        var last = 0;
        for (var layers = 1; layers <= config.Layers - (stages - 1); layers++)
        {
            var most = (config.Layers - layers + stages - 2) / (stages - 1);
            var dearest = Math.Max(most * block, layers * block + head);
            if (dearest <= best) (best, last) = (dearest, layers);
        }
        var ranges = new LayerRange[stages];
        int others = config.Layers - last, first = 0;
        for (var stage = 0; stage < stages - 1; stage++)
        {
            var end = (int)((long)others * (stage + 1) / (stages - 1));
            ranges[stage] = new LayerRange(first, end);
            first = end;
        }
        ranges[^1] = new LayerRange(first, config.Layers);
        return ranges;
    }

    /// <summary>Multiplications of a block's matrices for one token.</summary>
    public static long BlockCost(LlamaConfig config) =>
        config.HiddenSize * (2L * config.QueryWidth + 2L * config.KeyValueWidth + 3L * config.IntermediateSize);

    /// <summary>Multiplications of the head for one token.</summary>
    public static long HeadCost(LlamaConfig config) => (long)config.VocabularySize * config.HiddenSize;

    internal static void CheckUntied(LlamaConfig config)
    {
        if (config.TieEmbeddings)
            throw new ArgumentException("a tied head is the embedding, and with pipeline stages the last one would have to hold what the first one holds: use one stage");
    }
}
