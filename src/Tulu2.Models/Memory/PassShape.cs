using Tulu2.Collectives.Layout;
using Tulu2.Models.Decoder;
using Tulu2.Models.Parameters;

namespace Tulu2.Models.Memory;

/// <summary>The inputs that determine the memory of one slot's passes on one rank. Pure.</summary>
/// <param name="Parameters">Of the rank's part of the model.</param>
/// <param name="ElementBytes">Bytes of the compute type: 4 for fp32, 2 for bf16.</param>
/// <param name="Segments">Rows of each segment of the slot.</param>
/// <param name="ScoredRows">R.</param>
/// <param name="SplitActivations">The rank keeps only its share of the rows of residual streams.</param>
public sealed record PassShape(ModelParameters Parameters, int ElementBytes, bool Recompute, IReadOnlyList<int> Segments, int ScoredRows, bool SplitActivations = false)
{
    public ParameterMap Map => Parameters.Read;

    /// <summary>As a slot's batch has them; empty: nothing is shared, which takes the most memory.</summary>
    public IReadOnlyList<int> Prefixes { get; init; } = [];

    /// <summary>N, filler rows included.</summary>
    public long Rows => Math.Max(DecoderModel.FewestRows, Segments.Sum(length => (long)length));

    /// <summary>R, filler rows included.</summary>
    public int FilledScoredRows => Math.Max(DecoderModel.FewestRows, ScoredRows);

    public bool IsSplit => SplitActivations && Map.Part.TensorDegree > 1;

    /// <summary>Rows of a residual stream that this rank keeps.</summary>
    public long KeptRows => IsSplit ? RowShares.Of(Rows, Map.Part.TensorIndex, Map.Part.TensorDegree).Count : Rows;

    public int Heads => Map.Config.Heads / Map.Part.TensorDegree;
    public int KeyValueHeads => Map.Config.KeyValueHeads / Map.Part.TensorDegree;
    public int HeadSize => Map.Config.HeadSize;
    public long Width => Map.Config.HiddenSize;
    public long QueryWidth => (long)Heads * HeadSize;
    public long KeyValueWidth => (long)KeyValueHeads * HeadSize;
    public long FusedWidth => QueryWidth + 2 * KeyValueWidth;
    public long FeedWidth => Map.LocalIntermediateSize;
}
