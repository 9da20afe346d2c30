// Letters as in Kernels/BlockKernels.cs: M = B KV matrices, I queries, J keys, T tokens, G query heads per key-value head, K head size.
using Tulu2.Models.Kernels;
using Tulu2.Models.Torch;
using static TorchSharp.torch;

namespace Tulu2.Models.Decoder;

/// <summary>
/// Causal attention inside segments by blocks of queries, each with only the keys up to its end: half the products of a full square, and scores that stay in
/// cache. The backward pass computes the probabilities again from the kept log-sums. How a segment is cut depends on its length alone, and every segment
/// and head is a matrix of its own, so that its bits do not depend on its neighbours, nor on whether a part of it is a prefix: keys, blocks and the sums over
/// keys are those of the whole segment, only queries are left out.
/// </summary>
/// <param name="queryBlock">In place of <see cref="QueryBlock"/>: queries of a block for a segment's length. For measurements and tests.</param>
internal sealed class Attention(HeadGeometry heads, BlockKernels kernels, Func<int, ScalarType, int>? queryBlock = null)
{
    private readonly Func<int, ScalarType, int> _queryBlock = queryBlock ?? QueryBlock;

    /// <summary>Elements of scores worked on at a time: together with their gradient they fit into the second-level cache.</summary>
    internal const long TileElements = 1 << 18;

    /// <summary>
    /// libtorch takes another kernel for batched bf16 products of at most this many multiplications over all matrices of the batch, so that the bits
    /// would depend on how many heads a rank has. Segments this short are multiplied one matrix at a time.
    /// </summary>
    private const long SmallProduct = 16 * 16 * 16;

    /// <summary>
    /// Queries of a block for segments of <paramref name="length"/> tokens, by measurement over 64..2048 tokens and heads of 16..128. (libtorch's fused
    /// attention is slower from 256 tokens on in fp32 with heads of 32 or more, and nearly everywhere in bf16, where its backward pass takes up to four
    /// times as long.)
    /// </summary>
    public static int QueryBlock(int length, ScalarType type)
    {
        var block = type == ScalarType.Float32 ? 64 : length < 1024 ? 128 : 256;
        return 2 * length <= 3 * block ? length : block;
    }

    public void Forward(AttentionTape tape, SegmentGroup[] groups, Workspace workspace)
    {
        foreach (var group in groups)
            foreach (var whole in Tiles(group, workspace.Type))
            {
                using var scope = NewDisposeScope();
                var (q_MRK, k_MTK, v_MTK, logSums_MTG) = tape.Matrices(heads, whole);
                var k_MKT = k_MTK.transpose(1, 2);
                foreach (var (start, end) in Blocks(group, _queryBlock(group.Length, workspace.Type)))
                {
                    using var block = NewDisposeScope();
                    var mark = workspace.Mark();
                    var tile = whole with { QueryFirst = start, QueryEnd = end };
                    long matrices = tile.Matrices, rows = tile.Queries * heads.Group, keys = tile.Keys;
                    var scores_MIGJ = workspace.Rent(matrices, rows, keys);
                    Aten.BatchMatMul(scores_MIGJ, q_MRK.narrow(1, (long)start * heads.Group, rows), k_MKT.narrow(2, 0, keys));
                    var inverse_MIG = workspace.RentSingle(matrices, rows);
                    kernels.Softmax(scores_MIGJ, tile, logSums_MTG, inverse_MIG);
                    var output_MIGK = workspace.Rent(matrices, rows, heads.HeadSize);
                    Aten.BatchMatMul(output_MIGK, scores_MIGJ, v_MTK.narrow(1, 0, keys));
                    kernels.MergeOutput(output_MIGK, inverse_MIG, tile, tape.Output_NQ);
                    workspace.Release(mark);
                }
            }
    }

    /// <summary>Overwrites <paramref name="fusedGradient_NS"/>, for the fused product before the rotary embedding.</summary>
    public void Backward(AttentionTape tape, SegmentGroup[] groups, int[] positions, Tensor outputGradient_NQ, Tensor fusedGradient_NS, Workspace workspace)
    {
        foreach (var group in groups)
            foreach (var whole in Tiles(group, workspace.Type))
            {
                using var scope = NewDisposeScope();
                var outer = workspace.Mark();
                var (q_MRK, k_MTK, v_MTK, logSums_MTG) = tape.Matrices(heads, whole);
                Tensor k_MKT = k_MTK.transpose(1, 2), v_MKT = v_MTK.transpose(1, 2);
                Tensor keyGradient_MTK = workspace.Rent(k_MTK.shape), valueGradient_MTK = workspace.Rent(v_MTK.shape);
                // From the last block, which sees every key, so that it can overwrite and the others add.
                foreach (var (start, end) in Blocks(group, _queryBlock(group.Length, workspace.Type)).Reverse())
                {
                    using var block = NewDisposeScope();
                    var mark = workspace.Mark();
                    var tile = whole with { QueryFirst = start, QueryEnd = end };
                    long matrices = tile.Matrices, rows = tile.Queries * heads.Group, keys = tile.Keys;
                    var q_MIGK = q_MRK.narrow(1, (long)start * heads.Group, rows);
                    var scores_MIGJ = workspace.Rent(matrices, rows, keys);
                    Aten.BatchMatMul(scores_MIGJ, q_MIGK, k_MKT.narrow(2, 0, keys));
                    var gradient_MIGK = workspace.Rent(matrices, rows, heads.HeadSize);
                    var delta_MIG = workspace.RentSingle(matrices, rows);
                    kernels.SplitOutputGradient(outputGradient_NQ, tape.Output_NQ, tile, gradient_MIGK, delta_MIG);
                    var scoreGradient_MIGJ = workspace.Rent(matrices, rows, keys);
                    Aten.BatchMatMul(scoreGradient_MIGJ, gradient_MIGK, v_MKT.narrow(2, 0, keys));
                    kernels.SoftmaxBackward(scores_MIGJ, scoreGradient_MIGJ, tile, logSums_MTG, delta_MIG);
                    Add(valueGradient_MTK, scores_MIGJ, gradient_MIGK, keys, workspace);
                    Add(keyGradient_MTK, scoreGradient_MIGJ, q_MIGK, keys, workspace);
                    // The output's gradient is read; its memory takes the queries'.
                    Aten.BatchMatMul(gradient_MIGK, scoreGradient_MIGJ, k_MTK.narrow(1, 0, keys));
                    kernels.MergeQueryGradient(gradient_MIGK, tile, positions, fusedGradient_NS);
                    workspace.Release(mark);
                }
                kernels.MergeKeyValueGradient(keyGradient_MTK, valueGradient_MTK, whole, positions, fusedGradient_NS);
                workspace.Release(outer);
            }
    }

    private static void Add(Tensor target_MTK, Tensor left_MIGJ, Tensor right_MIGK, long keys, Workspace workspace)
    {
        var left_MJIG = left_MIGJ.transpose(1, 2);
        if (keys == target_MTK.shape[1]) Aten.BatchMatMul(target_MTK, left_MJIG, right_MIGK);
        else Aten.BatchMatMulAdd(target_MTK.narrow(1, 0, keys), left_MJIG, right_MIGK);
    }

    /// <summary>
    /// The blocks of a group's queries, in order, as they are cut in segments that stand alone. A prefix's queries are those of the segment before: the first
    /// block begins with the first own query, or with as many before it as give its product the bits of the whole block's.
    /// </summary>
    /// <param name="size">Queries of a block.</param>
    internal static IEnumerable<(int First, int End)> Blocks(SegmentGroup group, int size)
    {
        for (var start = group.Prefix / size * size; start < group.Length; start += size)
        {
            var end = Math.Min(start + size, group.Length);
            yield return (Math.Max(start, Math.Min(group.Prefix, end - SegmentGroup.FewestQueries)), end);
        }
    }

    /// <summary>Matrices of a tile.</summary>
    /// <param name="groupHeads">Query heads that share a key-value head.</param>
    internal static long TileMatrices(long groupHeads, long headSize, long length, long queryBlock, ScalarType type) =>
        type != ScalarType.Float32 && groupHeads * length * length * headSize <= SmallProduct ? 1 : Math.Max(1, TileElements / (groupHeads * queryBlock * length));

    /// <summary>Whole segments and heads, as many at a time as leave a block's scores in cache. Batching changes no bits, only the time.</summary>
    private IEnumerable<AttentionTile> Tiles(SegmentGroup group, ScalarType type)
    {
        var matrices = (int)Math.Min(int.MaxValue, TileMatrices(heads.Group, heads.HeadSize, group.Length, _queryBlock(group.Length, type), type));
        int segments = Math.Max(1, matrices / heads.KeyValueHeads), together = Math.Min(matrices, heads.KeyValueHeads);
        for (var first = 0; first < group.Starts.Length; first += segments)
            for (var head = 0; head < heads.KeyValueHeads; head += together)
                yield return new AttentionTile(
                    group, first, Math.Min(segments, group.Starts.Length - first), head, Math.Min(together, heads.KeyValueHeads - head), 0, group.Length);
    }
}

/// <summary>
/// The tensors that attention keeps for its backward pass: rotated queries and keys, values, the log-sums of the scores (fp32), and its output.
/// </summary>
internal sealed record AttentionTape(Tensor Queries, Tensor Keys, Tensor Values, Tensor LogSums, Tensor Output_NQ)
{
    public static AttentionTape Rent(HeadGeometry heads, long tokens, long attended, Workspace workspace) => new(
        workspace.Rent(attended * heads.QueryWidth), workspace.Rent(attended * heads.KeyValueWidth), workspace.Rent(attended * heads.KeyValueWidth),
        workspace.RentSingle(attended * heads.Heads), workspace.Rent(tokens, heads.QueryWidth));

    /// <summary>Views of a tile's matrices with all their queries: q [M, T G, K], k and v [M, T, K], log-sums [M, T G].</summary>
    public (Tensor, Tensor, Tensor, Tensor) Matrices(HeadGeometry heads, AttentionTile tile)
    {
        long length = tile.Group.Length, matrices = tile.Matrices;
        var first = ((long)tile.Group.Offset + tile.First * length) * heads.KeyValueHeads + tile.HeadFirst * length;
        return (
            Part(Queries, heads.Group * heads.HeadSize).view(matrices, length * heads.Group, heads.HeadSize),
            Part(Keys, heads.HeadSize).view(matrices, length, heads.HeadSize),
            Part(Values, heads.HeadSize).view(matrices, length, heads.HeadSize),
            Part(LogSums, heads.Group).view(matrices, length * heads.Group));

        Tensor Part(Tensor all, long width) => all.narrow(0, first * width, matrices * length * width);
    }
}
