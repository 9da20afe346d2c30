using Tulu2.Models.Memory;
using Tulu2.Models.Parameters;
using Tulu2.Models.Quantization;
using Tulu2.Training.Objectives;
using Tulu2.Training.Recipes;

namespace Tulu2.Training.Planning;

/// <summary>Size and cost of one pipeline stage on one tensor-parallel rank; independent of the data and ZeRO degrees.</summary>
/// <param name="Elements">Elements of the flat buffer of what is trained, padding included.</param>
/// <param name="Frozen">Bytes of the frozen model beside adapters; 0 where everything is trained.</param>
/// <param name="Pass">Memory of a pass over the largest slot.</param>
/// <param name="ForwardFlops">Floating-point operations of a slot of average-length sequences.</param>
/// <param name="BackwardFlops">The same for the backward pass, recomputation included.</param>
internal sealed record StageCost(LayerRange Layers, bool IsFirst, bool IsLast, long Elements, long Frozen, PassBytes Pass, double ForwardFlops, double BackwardFlops);

/// <summary>
/// Costs of the stages for each tensor and pipeline degree, with and without recomputation and split activations; cached, because a search needs them again for
/// every data and ZeRO degree. Operations: a product of [a, b] with [b, c] has 2abc. The forward pass of a token has 2 per element of the matrices it goes
/// through, and causal attention has 2 products of 2 x width x (length + 1) / 2 each. The backward pass has twice that for the matrices, and 5 products for
/// attention, since the scores are computed again. Recomputation repeats the forward pass without the last product of each block. Where adapters are trained, the
/// matrices have no weight gradient: once less in the backward pass.
/// </summary>
internal sealed class StageCosts(PlanRequest request)
{
    private readonly Dictionary<(int Shards, int Tensor, int Pipeline, bool Recompute, bool Split), IReadOnlyList<StageCost>> _known = [];

    public IReadOnlyList<StageCost> Of(int virtualShards, int tensor, int pipeline, bool recompute, bool split = false)
    {
        var key = (virtualShards, tensor, pipeline, recompute, split);
        if (_known.TryGetValue(key, out var stages)) return stages;
        // Stages with equally many layers differ only in being first or last.
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
        var parameters = RunParameters.Of(request.Recipe, config, virtualShards).Of(new ModelPart(0, tensor, layers.First, layers.End));
        var map = parameters.Read;
        var segments = request.LongestSegments;
        var pass = PassMemory.Of(new PassShape(parameters, request.ElementBytes, recompute, segments, segments.Sum(length => length - 1), split));
        var blocks = (double)layers.Count * PipelineStages.BlockCost(config) / tensor;
        var down = (double)layers.Count * config.HiddenSize * config.IntermediateSize / tensor;
        var attention = (double)layers.Count * config.QueryWidth / tensor * (request.Length + 1);
        var head = map.HasHead ? (double)PipelineStages.HeadCost(config) / tensor : 0;
        // Every objective computes the logits in the head's backward pass; only a nonlinear one also needs them before.
        var headForward = ObjectiveCatalog.Of(request.Recipe.Objective).IsLinear ? 0 : 2 * head;
        // What is frozen has no weight gradient; of adapters, which see and write the same rows, the narrow sides are computed again where they are needed.
        var (isFrozen, adapters) = (parameters.Adapter is not null, parameters.Adapter is null ? 0 : (double)parameters.Trained.Length);
        double tokens = request.SlotTokens, forward = 2 * blocks + 2 * attention + 2 * adapters;
        return new StageCost(layers, map.HasEmbedding, map.HasHead, parameters.Trained.Length, Frozen(parameters), pass, tokens * (forward + headForward),
            tokens * ((isFrozen ? 2 : 4) * blocks + 5 * attention + (isFrozen ? 4 : 6) * head + 7 * adapters + (recompute ? forward - 2 * down : 0)));
    }

    private long Frozen(ModelParameters parameters)
    {
        if (parameters.Adapter is null) return 0;
        var quantized = parameters.Quantized?.Slices.Sum(part => Nf4.SizeInBytes(part.Slice.Length, request.Recipe.Lora!.DoubleQuant)) ?? 0;
        return parameters.Read.Length * request.ElementBytes + quantized;
    }
}
