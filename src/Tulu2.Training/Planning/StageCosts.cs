using Tulu2.Models.Memory;
using Tulu2.Models.Parameters;
using Tulu2.Training.Objectives;

namespace Tulu2.Training.Planning;

/// <summary>What one pipeline stage of one tensor-parallel rank holds and computes, whatever the data and ZeRO degrees are.</summary>
/// <param name="Elements">Of the flat buffer, padding included.</param>
/// <param name="Pass">Of a slot of longest sequences.</param>
/// <param name="ForwardFlops">Of a slot of average sequences.</param>
/// <param name="BackwardFlops">The same, with what is computed again.</param>
internal sealed record StageCost(LayerRange Layers, bool IsFirst, bool IsLast, long Elements, PassBytes Pass, double ForwardFlops, double BackwardFlops);

/// <summary>
/// Costs of the stages of a choice of tensor and pipeline degree, recomputation and split activations, kept, because a search asks for them once for every data and ZeRO degree.
/// Operations: a product of [a, b] with [b, c] is 2abc. A token's forward pass is 2 x the matrices it goes through, and in attention, causal, 2 products of
/// 2 x width x (length + 1) / 2. The backward pass is twice the matrices, and in attention 5 products, for the scores are computed again; recomputation leaves out the last product of each block.
/// </summary>
internal sealed class StageCosts(PlanRequest request)
{
    private readonly Dictionary<(int Shards, int Tensor, int Pipeline, bool Recompute, bool Split), IReadOnlyList<StageCost>> _known = [];

    public IReadOnlyList<StageCost> Of(int virtualShards, int tensor, int pipeline, bool recompute, bool split = false)
    {
        var key = (virtualShards, tensor, pipeline, recompute, split);
        if (_known.TryGetValue(key, out var stages)) return stages;
        // Stages of the same size differ only in whether they are the first or the last.
        var alike = new Dictionary<(int, bool, bool), StageCost>();
        var made = new List<StageCost>();
        foreach (var layers in PipelineStages.Split(request.Config, pipeline))
        {
            var like = (layers.Count, layers.First == 0, layers.End == request.Config.Layers);
            if (!alike.TryGetValue(like, out var cost)) alike.Add(like, cost = Stage(virtualShards, tensor, layers, recompute, split));
            made.Add(cost with { Layers = layers });
        }
        _known.Add(key, made);
        return made;
    }

    private StageCost Stage(int virtualShards, int tensor, LayerRange layers, bool recompute, bool split)
    {
        var config = request.Config;
        var map = new ParameterMap(config, virtualShards, new ModelPart(0, tensor, layers.First, layers.End));
        var segments = request.LongestSegments;
        var pass = PassMemory.Of(new PassShape(map, request.ElementBytes, recompute, segments, segments.Sum(length => length - 1), split));
        var blocks = (double)layers.Count * PipelineStages.BlockCost(config) / tensor;
        var down = (double)layers.Count * config.HiddenSize * config.IntermediateSize / tensor;
        var attention = (double)layers.Count * config.QueryWidth / tensor * (request.Length + 1);
        var head = map.HasHead ? (double)PipelineStages.HeadCost(config) / tensor : 0;
        // The head's backward pass computes the logits again for every objective; only coefficients that depend on them need them before.
        var headForward = ObjectiveCatalog.Of(request.Recipe.Objective).IsLinear ? 0 : 2 * head;
        double tokens = request.SlotTokens, forward = 2 * blocks + 2 * attention;
        return new StageCost(layers, map.HasEmbedding, map.HasHead, map.Length, pass, tokens * (forward + headForward),
            tokens * (4 * blocks + 5 * attention + 6 * head + (recompute ? forward - 2 * down : 0)));
    }
}
