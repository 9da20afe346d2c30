using Tulu2.Collectives.Layout;
using Tulu2.Models.Llama;

namespace Tulu2.Models.Planning;

/// <summary>What decides the memory of one slot's passes on one rank. Pure.</summary>
/// <param name="Layout">Of the rank's part of the model.</param>
/// <param name="ElementBytes">Of the compute type: 4 for fp32, 2 for bf16.</param>
/// <param name="Segments">Tokens of each segment of the slot.</param>
/// <param name="ScoredRows">R.</param>
/// <param name="SplitActivations">Of residual streams only the rank's share of the rows is kept.</param>
public sealed record PassShape(FlatLayout Layout, int ElementBytes, bool Recompute, IReadOnlyList<int> Segments, int ScoredRows, bool SplitActivations = false)
{
    /// <summary>N, filler rows included.</summary>
    public long Rows => Math.Max(LlamaModel.FewestRows, Segments.Sum(length => (long)length));

    /// <summary>R, filler rows included.</summary>
    public int FilledScoredRows => Math.Max(LlamaModel.FewestRows, ScoredRows);

    public bool IsSplit => SplitActivations && Layout.Part.TensorDegree > 1;

    /// <summary>Of a residual stream, what this rank keeps.</summary>
    public long KeptRows => IsSplit ? RowShares.Of(Rows, Layout.Part.TensorPlace, Layout.Part.TensorDegree).Count : Rows;

    public int Heads => Layout.Config.Heads / Layout.Part.TensorDegree;
    public int KeyValueHeads => Layout.Config.KeyValueHeads / Layout.Part.TensorDegree;
    public int HeadSize => Layout.Config.HeadSize;
    public long Width => Layout.Config.HiddenSize;
    public long QueryWidth => (long)Heads * HeadSize;
    public long KeyValueWidth => (long)KeyValueHeads * HeadSize;
    public long FusedWidth => QueryWidth + 2 * KeyValueWidth;
    public long FeedWidth => Layout.LocalIntermediateSize;
}
