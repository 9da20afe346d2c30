using Tulu2.Models.Families;

namespace Tulu2.Models.Parameters;

/// <summary>The layers First..End-1.</summary>
public readonly record struct LayerRange(int First, int End)
{
    public int Count => End - First;
}

/// <summary>How a model's layers are cut into pipeline stages. Pure: every rank comes to the same cut by itself.</summary>
public static class PipelineStages
{
    /// <summary>
    /// The cut whose costliest stage is cheapest. A block costs its matrices, the head its own, the embedding nothing. Where cuts are equally good, later
    /// stages take more layers, because they keep fewer slots' activations.
    /// </summary>
    /// <exception cref="ArgumentException">More stages than layers, or a tied head, which first and last stage would both have to hold.</exception>
    public static IReadOnlyList<LayerRange> Split(ModelConfig config, int stages)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(stages, 1);
        if (stages == 1) return [new LayerRange(0, config.Layers)];
        if (stages > config.Layers) throw new ArgumentException($"{config.Layers} layers cannot be split into {stages} pipeline stages: each needs at least one layer", nameof(stages));
        CheckUntied(config);
        long block = BlockCost(config), head = HeadCost(config), best = long.MaxValue;
        var last = 0;
        for (var layers = 1; layers <= config.Layers - (stages - 1); layers++)
        {
            var most = (config.Layers - layers + stages - 2) / (stages - 1);
            var costliest = Math.Max(most * block, layers * block + head);
            if (costliest <= best) (best, last) = (costliest, layers);
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

    /// <summary>Multiplications of a block's matrices for one token. The blocks of a decoder are alike, so the first of one layer stands for all.</summary>
    public static long BlockCost(ModelConfig config) =>
        config.Family.Tensors(config with { Layers = 1 }).Where(tensor => tensor.Layer == 0 && tensor.Shape.Length == 2).Sum(tensor => tensor.Length);

    /// <summary>Multiplications of the head for one token.</summary>
    public static long HeadCost(ModelConfig config) => (long)config.VocabularySize * config.HiddenSize;

    internal static void CheckUntied(ModelConfig config)
    {
        if (config.TieEmbeddings)
            throw new ArgumentException("a tied head is the embedding, and with pipeline stages the last one would have to hold what the first one holds: use one stage");
    }
}
