using Tulu2.Models.Kernels;
using Tulu2.Models.Linears;
using Tulu2.Models.Parameters;
using Tulu2.Models.Torch;
using static TorchSharp.torch;

namespace Tulu2.Models.Decoder;

/// <summary>Shared by all blocks of a model.</summary>
internal sealed record BlockContext(ModelParameters Parameters, HeadGeometry Heads, BlockKernels Kernels, Attention Attention, IShardSum Group)
{
    /// <summary>Width of the residual stream.</summary>
    public int Width => Parameters.Read.Config.HiddenSize;
}

/// <summary>The rows of a batch and its segments, as a block sees them.</summary>
/// <param name="Adapters">What the pass does with adapters.</param>
internal sealed record TokenRows(int Count, int[] Positions, SegmentGroup[] Groups, AdapterPass? Adapters = null)
{
    /// <inheritdoc cref="SegmentGroup.Attended"/>
    public long Attended => SegmentGroup.Attended(Groups);
}

/// <summary>The activations of a block that its backward pass needs. N tokens, D width, F feed-forward width.</summary>
internal sealed record BlockTape(Tensor Scale1_N, AttentionTape Attention, Tensor Middle_ND, Tensor Scale2_N, Tensor GateUp_N2F)
{
    /// <param name="middleRows">Rows of the residual stream to keep: fewer than the tokens where only a share is kept.</param>
    /// <param name="attended">See <see cref="TokenRows.Attended"/>.</param>
    public static BlockTape Rent(BlockContext context, long tokens, long attended, Workspace workspace, long middleRows) => new(
        workspace.RentSingle(tokens), AttentionTape.Rent(context.Heads, tokens, attended, workspace), workspace.Rent(middleRows, context.Width),
        workspace.RentSingle(tokens), workspace.Rent(tokens, 2L * context.Parameters.Read.LocalIntermediateSize));

    public IEnumerable<Tensor> Tensors =>
        [Scale1_N, Attention.Queries, Attention.Keys, Attention.Values, Attention.LogSums, Attention.Output_NQ, Middle_ND, Scale2_N, GateUp_N2F];
}
