using Tulu2.Models.Torch;
using static TorchSharp.torch;

namespace Tulu2.Models.Kernels;

/// <summary>Rotary embedding, the way of heads, and softmax.</summary>
internal sealed partial class TorchKernels
{
    public override void SplitHeads(Tensor fused_NS, int[] positions, SegmentGroup[] groups, Tensor q, Tensor k, Tensor v)
    {
        using var scope = NewDisposeScope();
        foreach (var segments in groups)
        {
            var rows = SegmentRows(segments, 0, segments.Starts.Length, 0, segments.Length);
            long count = segments.Starts.Length, length = segments.Length, tokens = rows.Length;
            var fused = fused_NS.index_select(0, Index(rows, fused_NS.device));
            Put(q, Heads.QueryWidth, Turn(fused.index_select(1, Columns(Heads.QueryColumn, Heads.Heads, fused.device)), Heads.Heads, rows, positions, 1)
                .view(count, length, Heads.KeyValueHeads, Heads.Group, Heads.HeadSize).permute(0, 2, 1, 3, 4));
            Put(k, Heads.KeyValueWidth, Turn(fused.index_select(1, Columns(Heads.KeyColumn, Heads.KeyValueHeads, fused.device)), Heads.KeyValueHeads, rows, positions, 1)
                .view(count, length, Heads.KeyValueHeads, Heads.HeadSize).transpose(1, 2));
            Put(v, Heads.KeyValueWidth, fused.index_select(1, Columns(Heads.ValueColumn, Heads.KeyValueHeads, fused.device))
                .view(count, length, Heads.KeyValueHeads, Heads.HeadSize).transpose(1, 2));

            void Put(Tensor all, long width, Tensor values) =>
                all.narrow(0, segments.Offset * width, tokens * width).view(values.shape).copy_(values);
        }
    }

    public override void Softmax(Tensor scores_MIGJ, AttentionTile tile, Tensor logSums_MTG, Tensor inverse_MIG)
    {
        using var scope = NewDisposeScope();
        var scores = (scores_MIGJ.to_type(ScalarType.Float32) * _scale).masked_fill(After(tile, scores_MIGJ.device), HeldScalars.NegativeInfinity);
        var maximum = scores.amax([2], keepdim: true);
        var exponentials = scores.sub(maximum).exp();
        var sum = exponentials.sum(2);
        scores_MIGJ.copy_(exponentials);
        inverse_MIG.copy_(sum.reciprocal());
        LogSums(logSums_MTG, tile).copy_(maximum.squeeze(2).Plus(sum.log()));
    }

    public override void SoftmaxBackward(Tensor scores_MIGJ, Tensor gradient_MIGJ, AttentionTile tile, Tensor logSums_MTG, Tensor delta_MIG)
    {
        using var scope = NewDisposeScope();
        var probabilities = (scores_MIGJ.to_type(ScalarType.Float32) * _scale).sub(LogSums(logSums_MTG, tile).unsqueeze(2)).exp()
            .masked_fill(After(tile, scores_MIGJ.device), HeldScalars.Zero);
        scores_MIGJ.copy_(probabilities);
        gradient_MIGJ.copy_(probabilities * gradient_MIGJ.to_type(ScalarType.Float32).sub(delta_MIG.unsqueeze(2)) * _scale);
    }

    public override void MergeOutput(Tensor output_MIGK, Tensor inverse_MIG, AttentionTile tile, Tensor output_NQ)
    {
        using var scope = NewDisposeScope();
        var own = Own(tile);
        var scaled = (output_MIGK.to_type(ScalarType.Float32) * inverse_MIG.unsqueeze(2)).narrow(1, Others(tile), (long)own.Queries * Heads.Group);
        Columns(output_NQ, own).index_copy_(0, TileRows(own, output_NQ.device), Flat(scaled, own, Heads.Group).to_type(output_NQ.dtype));
    }

    public override void SplitOutputGradient(Tensor gradient_NQ, Tensor output_NQ, AttentionTile tile, Tensor gradient_MIGK, Tensor delta_MIG)
    {
        using var scope = NewDisposeScope();
        var rows = TileRows(tile, gradient_NQ.device);
        gradient_MIGK.copy_(Matrices(Columns(gradient_NQ, tile).index_select(0, rows)));
        delta_MIG.copy_((Matrices(Columns(output_NQ, tile).index_select(0, rows)).to_type(ScalarType.Float32) * gradient_MIGK.to_type(ScalarType.Float32)).sum(2));
        gradient_MIGK.narrow(1, 0, Others(tile)).zero_();
        delta_MIG.narrow(1, 0, Others(tile)).zero_();

        Tensor Matrices(Tensor flat) => flat.view(tile.Count, tile.Queries, tile.HeadCount, Heads.Group, Heads.HeadSize).permute(0, 2, 1, 3, 4).reshape(gradient_MIGK.shape);
    }

    public override void MergeQueryGradient(Tensor gradient_MIGK, AttentionTile tile, int[] positions, Tensor gradient_NS)
    {
        using var scope = NewDisposeScope();
        var own = Own(tile);
        var gradient = Flat(gradient_MIGK.narrow(1, Others(tile), (long)own.Queries * Heads.Group), own, Heads.Group);
        Write(gradient_NS, own, Turn(gradient, tile.HeadCount * Heads.Group, Rows(own), positions, -1),
            Columns(head => Heads.QueryColumn(tile.HeadFirst * Heads.Group + head), tile.HeadCount * Heads.Group, gradient_NS.device));
    }

    public override void MergeKeyValueGradient(Tensor keyGradient_MTK, Tensor valueGradient_MTK, AttentionTile tile, int[] positions, Tensor gradient_NS)
    {
        using var scope = NewDisposeScope();
        Put(tile with { QueryFirst = 0, QueryEnd = tile.Group.Prefix }, add: true);
        Put(tile with { QueryFirst = tile.Group.Prefix, QueryEnd = tile.Group.Length }, add: false);

        void Put(AttentionTile part, bool add)
        {
            if (part.Queries == 0) return;
            var (keys, values) = (Flat(Of(keyGradient_MTK), part, 1), Flat(Of(valueGradient_MTK), part, 1));
            Write(gradient_NS, part, Turn(keys, tile.HeadCount, Rows(part), positions, -1),
                Columns(head => Heads.KeyColumn(tile.HeadFirst + head), tile.HeadCount, gradient_NS.device), add);
            Write(gradient_NS, part, values, Columns(head => Heads.ValueColumn(tile.HeadFirst + head), tile.HeadCount, gradient_NS.device), add);

            Tensor Of(Tensor all_MTK) => all_MTK.narrow(1, part.QueryFirst, part.Queries);
        }
    }

    public override void RowMaxima(Tensor logits_RC, Tensor maximum_R)
    {
        using var scope = NewDisposeScope();
        maximum_R.copy_(logits_RC.amax([1]));
    }

    public override void ExponentialSums(Tensor logits_RC, int shards, Tensor maximum_R, Tensor sum_R)
    {
        using var scope = NewDisposeScope();
        var sums = logits_RC.to_type(ScalarType.Float32).sub(maximum_R.unsqueeze(1)).exp().view(logits_RC.shape[0], shards, -1).sum(2);
        for (var count = shards; count > 1; count /= 2)
        {
            var pairs = sums.view(-1, count / 2, 2);
            sums = pairs.select(2, 0).Plus(pairs.select(2, 1));
        }
        sum_R.copy_(sums.select(1, 0));
    }

    public override void TargetLogits(Tensor logits_RC, ReadOnlySpan<int> targets, long firstColumn, Tensor target_R)
    {
        using var scope = NewDisposeScope();
        var (column, here) = Targets(logits_RC, targets, firstColumn);
        target_R.copy_(where(here, logits_RC.gather(1, column.unsqueeze(1)).squeeze(1).to_type(ScalarType.Float32).Plus(HeldScalars.Zero), zeros_like(target_R)));
    }

    public override void LogitGradient(
        Tensor logits_RC, ReadOnlySpan<int> targets, long firstColumn, Tensor maximum_R, Tensor sum_R, Tensor coefficient_R)
    {
        using var scope = NewDisposeScope();
        var (column, here) = Targets(logits_RC, targets, firstColumn);
        var gradient = logits_RC.to_type(ScalarType.Float32).sub(maximum_R.unsqueeze(1)).exp() * (-coefficient_R / sum_R).unsqueeze(1);
        gradient.scatter_add_(1, column.unsqueeze(1), where(here, coefficient_R, zeros_like(coefficient_R)).unsqueeze(1));
        logits_RC.copy_(gradient);
    }

    private Tensor LogSums(Tensor logSums_MTG, AttentionTile tile) => logSums_MTG.narrow(1, (long)tile.QueryFirst * Heads.Group, (long)tile.Queries * Heads.Group);

    private Tensor After(AttentionTile tile, Device device)
    {
        var query = Numbers(tile.QueryFirst, tile.QueryEnd, device).repeat_interleave(Heads.Group);
        return (Numbers(0, tile.Keys, device).unsqueeze(0) > query.unsqueeze(1)).unsqueeze(0);
    }

    // Not torch.arange, whose scalars nobody holds (HeldScalars).
    private static Tensor Numbers(int first, int end, Device device) => Index([.. Enumerable.Range(first, end - first)], device);

    private static (Tensor Column, Tensor Here) Targets(Tensor logits_RC, ReadOnlySpan<int> targets, long firstColumn)
    {
        var (columns, here) = (new int[targets.Length], new bool[targets.Length]);
        for (var row = 0; row < targets.Length; row++)
        {
            var column = targets[row] - firstColumn;
            here[row] = column >= 0 && column < logits_RC.shape[1];
            columns[row] = here[row] ? (int)column : 0;
        }
        return (Index(columns, logits_RC.device), tensor(here, device: logits_RC.device));
    }

    /// <summary>[M, I G, K] as rows of the flat batch, [B I, KV G K].</summary>
    private Tensor Flat(Tensor matrices, AttentionTile tile, int group) =>
        matrices.reshape(tile.Count, tile.HeadCount, tile.Queries, group, Heads.HeadSize).permute(0, 2, 1, 3, 4).reshape(tile.Count * tile.Queries, -1);

    /// <summary>The columns of the tile's heads in a flat [N, Q].</summary>
    private Tensor Columns(Tensor flat_NQ, AttentionTile tile)
    {
        long width = Heads.Group * Heads.HeadSize;
        return flat_NQ.narrow(1, tile.HeadFirst * width, tile.HeadCount * width);
    }

    /// <summary>The tile's queries without those of a prefix.</summary>
    private static AttentionTile Own(AttentionTile tile) => tile with { QueryFirst = tile.OwnFirst };

    /// <summary>Rows of a tile's matrices that are a prefix's queries.</summary>
    private long Others(AttentionTile tile) => (long)(tile.OwnFirst - tile.QueryFirst) * Heads.Group;

    private static int[] Rows(AttentionTile tile) => SegmentRows(tile.Group, tile.First, tile.Count, tile.QueryFirst, tile.QueryEnd);

    private static Tensor TileRows(AttentionTile tile, Device device) => Index(Rows(tile), device);

    private static int[] SegmentRows(SegmentGroup group, int first, int count, int from, int to) =>
        [.. Enumerable.Range(first, count).SelectMany(segment => Enumerable.Range(from, to - from).Select(token => group.Row(segment, token)))];

    private static void Write(Tensor fused_NS, AttentionTile tile, Tensor values, Tensor columns, bool add = false)
    {
        TensorIndex rows = TensorIndex.Tensor(TileRows(tile, fused_NS.device).unsqueeze(1)), places = TensorIndex.Tensor(columns.unsqueeze(0));
        values = values.to_type(fused_NS.dtype);
        fused_NS.index_put_(add ? fused_NS.index(rows, places).Plus(values) : values, rows, places);
    }

    private Tensor Columns(Func<int, int> first, int heads, Device device) =>
        Index([.. Enumerable.Range(0, heads).SelectMany(head => Enumerable.Range(first(head), Heads.HeadSize))], device);

    private Tensor Turn(Tensor flat, int heads, int[] rows, int[] positions, int direction)
    {
        var (cosines, sines) = Rotary.Upto(positions.Max() + 1);
        int[] rowPositions = [.. rows.Select(row => positions[row])];
        Tensor Table(float[] table) =>
            tensor(table, device: flat.device).view(-1, 1, Rotary.Half).index_select(0, Index(rowPositions, flat.device));
        Tensor cosine = Table(cosines), sine = direction < 0 ? -Table(sines) : Table(sines);
        var halves = flat.view(flat.shape[0], heads, Heads.HeadSize).to_type(ScalarType.Float32).chunk(2, 2);
        var turned = cat([(halves[0] * cosine).sub(halves[1] * sine), (halves[1] * cosine).Plus(halves[0] * sine)], 2);
        return turned.reshape(flat.shape).to_type(flat.dtype);
    }
}
