// N tokens, D hidden, O outputs, W some columns of a tensor, F feed-forward width, H query heads, KV key-value heads, G = H / KV, K head size, Q = H K, S fused q k v width,
// T tokens of a segment, B segments of a tile, M = B KV matrices of a tile, I queries of a tile, J its keys, R scored rows, C vocabulary columns.
using TorchSharp;
using static TorchSharp.torch;

namespace Tulu2.Models.Kernels;

/// <summary>
/// Everything in a step that is not a matrix product. What is called in place overwrites its argument; other outputs are overwritten too unless
/// a comment says that they are added to. No value depends on how many rows or columns are computed with it. Statistics are fp32.
/// </summary>
internal abstract class BlockKernels(HeadGeometry heads, RotaryTable rotary)
{
    protected HeadGeometry Heads { get; } = heads;
    protected RotaryTable Rotary { get; } = rotary;

    public static BlockKernels For(ScalarType type, DeviceType device, HeadGeometry heads, RotaryTable rotary) => (device, type) switch
    {
        (DeviceType.CPU, ScalarType.Float32) => new CpuKernels<Single32>(heads, rotary),
        (DeviceType.CPU, ScalarType.BFloat16) => new CpuKernels<BrainFloat16>(heads, rotary),
        (_, ScalarType.Float32 or ScalarType.BFloat16) => new TorchKernels(heads, rotary),
        _ => throw new ArgumentException($"no kernels for {type}"),
    };

    /// <summary>out[i] = table[rows[i]]; rows of <paramref name="result_ND"/> beyond the last index are zeroed.</summary>
    public abstract void GatherRows(Tensor table_XD, int[] rows, Tensor result_ND);

    /// <summary>
    /// out[i] = table[ids[i] - firstId], 0 where the table has no such row. A -0 becomes +0, as it does where ranks add up what each of them has, so that a
    /// part of a table gives the bits of the whole one. Rows beyond the last id are zeroed.
    /// </summary>
    public abstract void GatherEmbeddings(Tensor table_XD, int[] ids, int firstId, Tensor result_ND);

    /// <summary>
    /// Adds row i to target[rows[i] - firstRow], in ascending i; skips rows that the target does not hold. <paramref name="target_XD"/> may be fp32 or
    /// the compute type.
    /// </summary>
    public abstract void ScatterAddRows(Tensor values_ND, int[] rows, int firstRow, Tensor target_XD);

    /// <summary>y = x r w with r = 1 / sqrt(mean(x^2) + epsilon) per row.</summary>
    public abstract void RmsNorm(Tensor x_ND, Tensor weight_D, double epsilon, Tensor y_ND, Tensor r_N);

    /// <summary>The same y from the r that is already known.</summary>
    public abstract void RmsNormAgain(Tensor x_ND, Tensor weight_D, Tensor r_N, Tensor y_ND);

    /// <summary>Adds to <paramref name="dx_ND"/>; overwrites <paramref name="dWeight_D"/> (fp32).</summary>
    public abstract void RmsNormBackward(Tensor x_ND, Tensor weight_D, Tensor r_N, Tensor dy_ND, Tensor dx_ND, Tensor dWeight_D);

    /// <summary>The binary tree over <paramref name="parts_ND"/> (a power of two of them), each node rounded to the compute type, plus the residual.</summary>
    public abstract void TreeSum(Tensor[] parts_ND, Tensor? residual_ND, Tensor result_ND);

    /// <summary>In place: adds a vector to every row.</summary>
    public abstract void AddBias(Tensor rows_NO, Tensor bias_O);

    /// <summary>Overwrites (<paramref name="first"/>) or adds to an fp32 target the sum of all rows, in their order.</summary>
    public abstract void SumRows(Tensor rows_NO, Tensor target_O, bool first);

    /// <summary>output = input x mask; the input may be some columns of a wider tensor.</summary>
    public abstract void Dropout(Tensor input_NW, DropoutMask mask, Tensor output_NW);

    /// <summary>Adds the values, times the mask if there is one, to the target's columns from <paramref name="firstColumn"/> on; rounded once.</summary>
    public abstract void AddColumns(Tensor values_NW, DropoutMask? mask, Tensor target_NO, long firstColumn);

    /// <summary>silu(gate) x up, from <c>[gate up]</c> of each of the shards.</summary>
    public abstract void SwiGlu(Tensor gateUp_N2F, int shards, Tensor product_NF);

    /// <summary>In place: gate and up become their gradients, and the product's gradient becomes the product, which the weight gradient needs next.</summary>
    public abstract void SwiGluBackward(Tensor gateUp_N2F, int shards, Tensor product_NF);

    /// <summary>Turns queries and keys by their positions and lays all three out as <see cref="SegmentGroup"/> says.</summary>
    public abstract void SplitHeads(Tensor fused_NS, int[] positions, SegmentGroup[] groups, Tensor q, Tensor k, Tensor v);

    /// <summary>
    /// In place: raw scores become exp(scale (score - row maximum)) with the keys after the query at 0. <paramref name="logSums_MTG"/> takes the
    /// logarithm of the sum of exp(scale score), <paramref name="inverse_MIG"/> the inverse of the row's sum.
    /// </summary>
    public abstract void Softmax(Tensor scores_MIGJ, AttentionTile tile, Tensor logSums_MTG, Tensor inverse_MIG);

    /// <summary>In place: raw scores become probabilities, the probabilities' gradient that of the raw scores.</summary>
    public abstract void SoftmaxBackward(Tensor scores_MIGJ, Tensor gradient_MIGJ, AttentionTile tile, Tensor logSums_MTG, Tensor delta_MIG);

    /// <summary>Multiplies each row by its inverse sum and puts it where it belongs in the flat batch; queries of a prefix are left out.</summary>
    public abstract void MergeOutput(Tensor output_MIGK, Tensor inverse_MIG, AttentionTile tile, Tensor output_NQ);

    /// <summary>Takes a tile out of the flat gradient; delta is the row sum of gradient x output. Queries of a prefix get zeros.</summary>
    public abstract void SplitOutputGradient(Tensor gradient_NQ, Tensor output_NQ, AttentionTile tile, Tensor gradient_MIGK, Tensor delta_MIG);

    /// <summary>Turns a tile's query gradient back and puts it into the fused gradient; queries of a prefix are left out.</summary>
    public abstract void MergeQueryGradient(Tensor gradient_MIGK, AttentionTile tile, int[] positions, Tensor gradient_NS);

    /// <summary>The same for the keys (turned back) and values of whole segments; adds to the rows of a prefix, which the segment before has written.</summary>
    public abstract void MergeKeyValueGradient(Tensor keyGradient_MTK, Tensor valueGradient_MTK, AttentionTile tile, int[] positions, Tensor gradient_NS);

    /// <summary>The largest logit of each row.</summary>
    public abstract void RowMaxima(Tensor logits_RC, Tensor maximum_R);

    /// <summary>Per row: the tree over the shards' sums of exp(logit - maximum).</summary>
    public abstract void ExponentialSums(Tensor logits_RC, int shards, Tensor maximum_R, Tensor sum_R);

    /// <summary>The logit of each row's target, 0 where it is not among these columns; never -0, which a sum over ranks would lose.</summary>
    public abstract void TargetLogits(Tensor logits_RC, ReadOnlySpan<int> targets, long firstColumn, Tensor target_R);

    /// <summary>In place: logits become the gradient of sum(coefficient x log-probability of the target).</summary>
    public abstract void LogitGradient(Tensor logits_RC, ReadOnlySpan<int> targets, long firstColumn, Tensor maximum_R, Tensor sum_R, Tensor coefficient_R);

    /// <summary>Overwrites (<paramref name="first"/>) an fp32 target with values in the compute type, or adds them to it.</summary>
    public abstract void Accumulate(Tensor values, Tensor target, bool first);
}
