using Tulu2.Models.Families;

namespace Tulu2.Models.Parameters;

/// <summary>
/// Low-rank adapters (LoRA, arXiv 2106.09685): beside a frozen matrix W [outputs, inputs] stand A [rank, inputs] and B [outputs, rank], and the layer computes
/// x W^T + scale (x A^T) B^T.
/// </summary>
/// <param name="Rank">From 1 on.</param>
/// <param name="Alpha">The scale is alpha / rank, or alpha / sqrt(rank) where it is rank-stabilised (rsLoRA, arXiv 2312.03732).</param>
/// <param name="Targets">Projections that have one, such as <c>q_proj</c>; null: every linear layer of the blocks.</param>
public sealed record AdapterSettings(int Rank, double Alpha, IReadOnlyList<string>? Targets = null)
{
    public bool IsRankStabilized { get; init; }

    /// <summary>Share of a layer's inputs that the adapter does not see in training; those that it sees are scaled up.</summary>
    public double Dropout { get; init; }

    /// <summary>Decides what dropout drops.</summary>
    public int Seed { get; init; }

    public double Scale => Alpha / (IsRankStabilized ? Math.Sqrt(Rank) : Rank);

    /// <summary>The projections of a model that can have an adapter.</summary>
    public static IReadOnlyList<string> Projections(ModelConfig config) => [.. Adaptable(config).Select(AdapterTensors.ProjectionOf).Distinct()];

    /// <summary>The tensors that can have an adapter beside them.</summary>
    internal static IEnumerable<ModelTensor> Adaptable(ModelConfig config) => config.Family.Tensors(config).Where(tensor => tensor.IsLinear);

    /// <summary>A tensor has an adapter beside it.</summary>
    internal bool Adapts(ModelTensor tensor) => tensor.IsLinear && (Targets is null || Targets.Contains(AdapterTensors.ProjectionOf(tensor)));
}
