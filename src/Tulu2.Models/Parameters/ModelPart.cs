using Tulu2.Collectives.Layout;
using Tulu2.Models.Families;

namespace Tulu2.Models.Parameters;

/// <summary>
/// The part of a model that one rank of a replica holds: a contiguous run of the virtual shards of layers FirstLayer..EndLayer-1, and all their norm
/// weights. The first stage also holds the embedding, the last one the last norm and the head. Pure arithmetic.
/// </summary>
/// <param name="TensorIndex">Index of this rank in its tensor-parallel group, and of its run of virtual shards.</param>
/// <param name="TensorDegree">Number of ranks that share each matrix.</param>
public sealed record ModelPart(int TensorIndex, int TensorDegree, int FirstLayer, int EndLayer)
{
    public int Layers => EndLayer - FirstLayer;

    /// <summary>Whether the part holds the tensors of a layer; -1 means those before the first layer, the number of layers those after the last.</summary>
    internal bool Holds(int layer, ModelConfig config) =>
        layer < 0 ? FirstLayer == 0 : layer >= config.Layers ? EndLayer == config.Layers : layer >= FirstLayer && layer < EndLayer;

    public static ModelPart Whole(ModelConfig config) => new(0, 1, 0, config.Layers);

    /// <exception cref="ArgumentException">The model has too few layers for the stages, or a tied head.</exception>
    public static ModelPart Of(ModelConfig config, ParallelLayout layout, int rank)
    {
        var coordinates = layout.CoordinatesOf(rank);
        var layers = PipelineStages.Split(config, layout.Pipeline)[coordinates.Pipeline];
        return new ModelPart(coordinates.Tensor, layout.Tensor, layers.First, layers.End);
    }
}
