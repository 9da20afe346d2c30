using Tulu2.Models.Torch;
using static TorchSharp.torch;

namespace Tulu2.Models.Kernels;

/// <summary>The kernels of another, with their time on the <see cref="OperationClock"/>. For measurements only.</summary>
internal sealed class TimedKernels(BlockKernels inner, HeadGeometry heads, RotaryTable rotary) : BlockKernels(heads, rotary)
{
    public override void GatherRows(Tensor table_XD, int[] rows, Tensor result_ND)
    {
        var start = OperationClock.Start();
        inner.GatherRows(table_XD, rows, result_ND);
        OperationClock.Stop(start, "rows");
    }

    public override void GatherEmbeddings(Tensor table_XD, int[] ids, int firstId, Tensor result_ND)
    {
        var start = OperationClock.Start();
        inner.GatherEmbeddings(table_XD, ids, firstId, result_ND);
        OperationClock.Stop(start, "rows");
    }

    public override void ScatterAddRows(Tensor values_ND, int[] rows, int firstRow, Tensor target_XD)
    {
        var start = OperationClock.Start();
        inner.ScatterAddRows(values_ND, rows, firstRow, target_XD);
        OperationClock.Stop(start, "rows");
    }

    public override void RmsNorm(Tensor x_ND, Tensor weight_D, double epsilon, Tensor y_ND, Tensor r_N)
    {
        var start = OperationClock.Start();
        inner.RmsNorm(x_ND, weight_D, epsilon, y_ND, r_N);
        OperationClock.Stop(start, "norms");
    }

    public override void RmsNormAgain(Tensor x_ND, Tensor weight_D, Tensor r_N, Tensor y_ND)
    {
        var start = OperationClock.Start();
        inner.RmsNormAgain(x_ND, weight_D, r_N, y_ND);
        OperationClock.Stop(start, "norms");
    }

    public override void RmsNormBackward(Tensor x_ND, Tensor weight_D, Tensor r_N, Tensor dy_ND, Tensor dx_ND, Tensor dWeight_D)
    {
        var start = OperationClock.Start();
        inner.RmsNormBackward(x_ND, weight_D, r_N, dy_ND, dx_ND, dWeight_D);
        OperationClock.Stop(start, "norms");
    }

    public override void TreeSum(Tensor[] parts_ND, Tensor? residual_ND, Tensor result_ND)
    {
        var start = OperationClock.Start();
        inner.TreeSum(parts_ND, residual_ND, result_ND);
        OperationClock.Stop(start, "tree sums");
    }

    public override void AddBias(Tensor rows_NO, Tensor bias_O)
    {
        var start = OperationClock.Start();
        inner.AddBias(rows_NO, bias_O);
        OperationClock.Stop(start, "biases");
    }

    public override void SumRows(Tensor rows_NO, Tensor target_O, bool first)
    {
        var start = OperationClock.Start();
        inner.SumRows(rows_NO, target_O, first);
        OperationClock.Stop(start, "biases");
    }

    public override void Dropout(Tensor input_NW, DropoutMask mask, Tensor output_NW)
    {
        var start = OperationClock.Start();
        inner.Dropout(input_NW, mask, output_NW);
        OperationClock.Stop(start, "adapters");
    }

    public override void AddColumns(Tensor values_NW, DropoutMask? mask, Tensor target_NO, long firstColumn)
    {
        var start = OperationClock.Start();
        inner.AddColumns(values_NW, mask, target_NO, firstColumn);
        OperationClock.Stop(start, "adapters");
    }

    public override void SwiGlu(Tensor gateUp_N2F, int shards, Tensor product_NF)
    {
        var start = OperationClock.Start();
        inner.SwiGlu(gateUp_N2F, shards, product_NF);
        OperationClock.Stop(start, "swiglu");
    }

    public override void SwiGluBackward(Tensor gateUp_N2F, int shards, Tensor product_NF)
    {
        var start = OperationClock.Start();
        inner.SwiGluBackward(gateUp_N2F, shards, product_NF);
        OperationClock.Stop(start, "swiglu");
    }

    public override void SplitHeads(Tensor fused_NS, int[] positions, SegmentGroup[] groups, Tensor q, Tensor k, Tensor v)
    {
        var start = OperationClock.Start();
        inner.SplitHeads(fused_NS, positions, groups, q, k, v);
        OperationClock.Stop(start, "heads");
    }

    public override void Softmax(Tensor scores_MIGJ, AttentionTile tile, Tensor logSums_MTG, Tensor inverse_MIG)
    {
        var start = OperationClock.Start();
        inner.Softmax(scores_MIGJ, tile, logSums_MTG, inverse_MIG);
        OperationClock.Stop(start, "softmax");
    }

    public override void SoftmaxBackward(Tensor scores_MIGJ, Tensor gradient_MIGJ, AttentionTile tile, Tensor logSums_MTG, Tensor delta_MIG)
    {
        var start = OperationClock.Start();
        inner.SoftmaxBackward(scores_MIGJ, gradient_MIGJ, tile, logSums_MTG, delta_MIG);
        OperationClock.Stop(start, "softmax");
    }

    public override void MergeOutput(Tensor output_MIGK, Tensor inverse_MIG, AttentionTile tile, Tensor output_NQ)
    {
        var start = OperationClock.Start();
        inner.MergeOutput(output_MIGK, inverse_MIG, tile, output_NQ);
        OperationClock.Stop(start, "heads");
    }

    public override void SplitOutputGradient(Tensor gradient_NQ, Tensor output_NQ, AttentionTile tile, Tensor gradient_MIGK, Tensor delta_MIG)
    {
        var start = OperationClock.Start();
        inner.SplitOutputGradient(gradient_NQ, output_NQ, tile, gradient_MIGK, delta_MIG);
        OperationClock.Stop(start, "heads");
    }

    public override void MergeQueryGradient(Tensor gradient_MIGK, AttentionTile tile, int[] positions, Tensor gradient_NS)
    {
        var start = OperationClock.Start();
        inner.MergeQueryGradient(gradient_MIGK, tile, positions, gradient_NS);
        OperationClock.Stop(start, "heads");
    }

    public override void MergeKeyValueGradient(Tensor keyGradient_MTK, Tensor valueGradient_MTK, AttentionTile tile, int[] positions, Tensor gradient_NS)
    {
        var start = OperationClock.Start();
        inner.MergeKeyValueGradient(keyGradient_MTK, valueGradient_MTK, tile, positions, gradient_NS);
        OperationClock.Stop(start, "heads");
    }

    public override void RowMaxima(Tensor logits_RC, Tensor maximum_R)
    {
        var start = OperationClock.Start();
        inner.RowMaxima(logits_RC, maximum_R);
        OperationClock.Stop(start, "vocabulary");
    }

    public override void ExponentialSums(Tensor logits_RC, int shards, Tensor maximum_R, Tensor sum_R)
    {
        var start = OperationClock.Start();
        inner.ExponentialSums(logits_RC, shards, maximum_R, sum_R);
        OperationClock.Stop(start, "vocabulary");
    }

    public override void TargetLogits(Tensor logits_RC, ReadOnlySpan<int> targets, long firstColumn, Tensor target_R)
    {
        var start = OperationClock.Start();
        inner.TargetLogits(logits_RC, targets, firstColumn, target_R);
        OperationClock.Stop(start, "vocabulary");
    }

    public override void LogitGradient(Tensor logits_RC, ReadOnlySpan<int> targets, long firstColumn, Tensor maximum_R, Tensor sum_R, Tensor coefficient_R)
    {
        var start = OperationClock.Start();
        inner.LogitGradient(logits_RC, targets, firstColumn, maximum_R, sum_R, coefficient_R);
        OperationClock.Stop(start, "vocabulary");
    }

    public override void Accumulate(Tensor values, Tensor target, bool first)
    {
        var start = OperationClock.Start();
        inner.Accumulate(values, target, first);
        OperationClock.Stop(start, "weight gradients to fp32");
    }
}
