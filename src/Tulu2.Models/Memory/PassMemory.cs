// N rows, R scored rows, D hidden, Q query width, S fused width, F feed-forward width, C vocabulary: all as this rank holds them.
using Tulu2.Models.Decoder;
using Tulu2.Models.Kernels;
using static TorchSharp.torch;

namespace Tulu2.Models.Memory;

/// <summary>Bytes of one slot's passes on one rank.</summary>
/// <param name="Kept">Held from the forward pass to the end of the backward pass: once for every slot in flight.</param>
/// <param name="Scratch">Worked in by one pass at a time, the chunk of logits included: once for all slots in flight.</param>
/// <param name="Logits">The part of <paramref name="Scratch"/> that is the largest chunk of logits; 0 but on the last stage.</param>
/// <param name="KeptReserve">
/// Allocated beyond <paramref name="Kept"/> in the first pass, in which the arena grows in steps; the next one has a piece of the right size. On a
/// processor pages that are never touched.
/// </param>
/// <param name="ScratchReserve">The same for <paramref name="Scratch"/>.</param>
/// <param name="LargestProduct">The largest single product, which a device that cannot multiply in place needs in addition.</param>
public sealed record PassBytes(long Kept, long Scratch, long Logits, long KeptReserve, long ScratchReserve, long LargestProduct);

/// <summary>
/// Counts the memory that a slot's forward and backward pass rent, by walking through <see cref="DecoderModel"/>'s calls with arenas that only count.
/// Pure; every line stands for a line of <see cref="DecoderModel"/>, <see cref="DecoderBlock"/>, <see cref="Attention"/> or
/// <see cref="VocabularyHead"/>; their linears are <see cref="LinearMemory"/>.
/// </summary>
public static class PassMemory
{
    public static PassBytes Of(PassShape shape)
    {
        var walk = new Walk(shape);
        walk.Step();
        var (kept, scratch) = (walk.Kept, walk.Scratch);
        return new PassBytes(kept.PeakBytes, scratch.PeakBytes, walk.LogitBytes, kept.CapacityBytes - kept.PeakBytes,
            scratch.CapacityBytes - scratch.PeakBytes, walk.LargestProduct * shape.ElementBytes);
    }

    /// <summary>Bytes allocated once the arenas have found their size.</summary>
    internal static (long Kept, long Scratch) AfterGrowth(PassShape shape)
    {
        var walk = new Walk(shape);
        walk.Step();
        walk.Step();
        return (walk.Kept.CapacityBytes, walk.Scratch.CapacityBytes);
    }

    private sealed class Walk(PassShape shape)
    {
        private readonly SegmentGroup[] _groups = SegmentGroup.Of(Filled(shape), shape.Prefixes);
        private readonly long _rows = shape.Rows, _width = shape.Width;
        private readonly ScalarType _type = shape.ElementBytes == sizeof(float) ? ScalarType.Float32 : ScalarType.BFloat16;

        private readonly Dictionary<string, LinearMemory> _linears = [];

        public WorkspaceCount Kept { get; } = new(shape.ElementBytes);
        public WorkspaceCount Scratch { get; } = new(shape.ElementBytes);
        public long LogitBytes { get; private set; }
        public long LargestProduct { get; private set; }

        public void Step()
        {
            Kept.Reset();
            Scratch.Reset();
            Forward();
            if (shape.Map.HasHead)
            {
                LogProbabilities();
            }
            if (shape.IsSplit)
            {
                Scratch.Release(default);
                Scratch.Rent(_rows * _width);           // the gradient
            }
            if (shape.Map.HasHead) HeadBackward();
            for (var layer = 0; layer < shape.Map.Part.Layers; layer++)
                Within(Scratch, () =>
                {
                    if (shape.IsSplit) Scratch.Rent(_rows * _width);                        // the input
                    if (shape.IsSplit && !shape.Recompute) Scratch.Rent(_rows * _width);    // the middle
                    if (shape.Recompute)
                    {
                        Tape(Scratch, _rows);
                        BlockRecord();
                    }
                    BlockBackward();
                });
        }

        private void Forward()
        {
            if (shape.Map.HasHead)
            {
                Kept.Rent(shape.FilledScoredRows * _width);
                Kept.Rent(shape.FilledScoredRows * _width);
                Kept.RentSingle(shape.FilledScoredRows);
            }
            var streams = shape.IsSplit ? Scratch : Kept;
            streams.Rent(_rows * _width);               // the first input
            if (shape.IsSplit) streams.Rent(_rows * _width);
            for (var layer = 0; layer < shape.Map.Part.Layers; layer++)
            {
                if (shape.IsSplit) Kept.Rent(shape.KeptRows * _width);
                else Kept.Rent(_rows * _width);         // the output
                Within(Scratch, () =>
                {
                    Tape(shape.Recompute ? Scratch : Kept, shape.Recompute ? _rows : shape.KeptRows);
                    if (shape.IsSplit && !shape.Recompute) Scratch.Rent(_rows * _width);
                    BlockForward();
                });
            }
            if (shape.IsSplit && shape.Map.HasHead) Scratch.Release(default);
        }

        private void Tape(WorkspaceCount workspace, long middleRows)
        {
            workspace.RentSingle(_rows);
            var attended = SegmentGroup.Attended(_groups);
            workspace.Rent(attended * shape.QueryWidth);
            workspace.Rent(attended * shape.KeyValueWidth);
            workspace.Rent(attended * shape.KeyValueWidth);
            workspace.RentSingle(attended * shape.Heads);
            workspace.Rent(_rows * shape.QueryWidth);
            workspace.Rent(middleRows * _width);
            workspace.RentSingle(_rows);
            workspace.Rent(_rows * 2 * shape.FeedWidth);
        }

        private void BlockForward()
        {
            BlockRecord();
            Within(Scratch, () =>
            {
                Scratch.Rent(_rows * shape.FeedWidth);
                Of("down").Forward(_rows);
            });
        }

        private void BlockRecord()
        {
            Within(Scratch, () =>
            {
                Scratch.Rent(_rows * _width);
                Scratch.Rent(_rows * shape.FusedWidth);
                Of("qkv").Forward(_rows);
                Attention(AttentionForward);
                Of("o").Forward(_rows);
            });
            Within(Scratch, () =>
            {
                Scratch.Rent(_rows * _width);
                Of("gate_up").Forward(_rows);
            });
        }

        private void BlockBackward() => Within(Scratch, () =>
        {
            Scratch.Rent(_rows * _width);
            Scratch.Rent(_rows * _width);
            Scratch.Rent(_rows * shape.FeedWidth);
            Of("down").InputGradient(_rows);
            Of("down").WeightGradient(_rows);
            Of("gate_up").WeightGradient(_rows);
            Of("gate_up").InputGradient(_rows);
            NormBackward(OfBlock("norm2"));
            Scratch.Rent(_rows * shape.QueryWidth);
            Of("o").InputGradient(_rows);
            Of("o").WeightGradient(_rows);
            Scratch.Rent(_rows * shape.FusedWidth);
            Attention(AttentionBackward);
            Of("qkv").WeightGradient(_rows);
            Of("qkv").InputGradient(_rows);
            NormBackward(OfBlock("norm1"));
        });

        // Blocks are alike.
        private string OfBlock(string matrix) => $"{shape.Map.Part.FirstLayer}.{matrix}";

        private LinearMemory Of(string matrix)
        {
            var key = matrix == "head" ? matrix : OfBlock(matrix);
            return _linears.TryGetValue(key, out var linear) ? linear : _linears[key] = new LinearMemory(shape.Parameters, key, Scratch, Product);
        }

        private void NormBackward(string key) => Within(Scratch, () =>
        {
            if (shape.Parameters.Trained.Find(key) is null) Scratch.RentSingle(_width);
        });

        private void LogProbabilities()
        {
            foreach (var (_, count) in VocabularyHead.Chunks(shape.FilledScoredRows, shape.Map.Config.VocabularySize)) Within(Scratch, () => Score(count));
        }

        private void HeadBackward() => Within(Scratch, () =>
        {
            Scratch.RentSingle(shape.FilledScoredRows);
            Scratch.Rent(shape.FilledScoredRows * _width);
            foreach (var (_, count) in VocabularyHead.Chunks(shape.FilledScoredRows, shape.Map.Config.VocabularySize))
                Within(Scratch, () =>
                {
                    Score(count);
                    Of("head").WeightGradient(count);
                    Of("head").InputGradient(count);
                });
            Scratch.Rent(shape.FilledScoredRows * _width);
            NormBackward("norm");
        });

        private void Score(int rows)
        {
            Scratch.Rent((long)rows * shape.Map.VocabularyRows);
            Scratch.RentSingle(rows);
            Scratch.RentSingle(2L * rows);
            Of("head").Forward(rows);
            LogitBytes = Math.Max(LogitBytes, (long)rows * shape.Map.VocabularyRows * shape.ElementBytes);
        }

        /// <summary>The first tile of a group stands for all of it: no later one is larger.</summary>
        private void Attention(Action<SegmentGroup, long> tile)
        {
            foreach (var group in _groups)
            {
                long heads = shape.Heads / shape.KeyValueHeads;
                var matrices = Decoder.Attention.TileMatrices(heads, shape.HeadSize, group.Length, Decoder.Attention.QueryBlock(group.Length, _type), _type);
                var segments = Math.Min(group.Starts.Length, Math.Max(1, matrices / shape.KeyValueHeads));
                tile(group, segments * Math.Min(matrices, shape.KeyValueHeads));
            }
        }

        private void AttentionForward(SegmentGroup group, long matrices)
        {
            var block = Decoder.Attention.QueryBlock(group.Length, _type);
            foreach (var (first, end) in Decoder.Attention.Blocks(group, block))
                Within(Scratch, () =>
                {
                    var rows = Queries(first, end);
                    Scratch.Rent(matrices * rows * end);
                    Scratch.RentSingle(matrices * rows);
                    Scratch.Rent(matrices * rows * shape.HeadSize);
                });
        }

        private void AttentionBackward(SegmentGroup group, long matrices) => Within(Scratch, () =>
        {
            Scratch.Rent(matrices * group.Length * shape.HeadSize);
            Scratch.Rent(matrices * group.Length * shape.HeadSize);
            var block = Decoder.Attention.QueryBlock(group.Length, _type);
            foreach (var (first, end) in Decoder.Attention.Blocks(group, block).Reverse())
                Within(Scratch, () =>
                {
                    var rows = Queries(first, end);
                    long keys = end;
                    Scratch.Rent(matrices * rows * keys);
                    Scratch.Rent(matrices * rows * shape.HeadSize);
                    Scratch.RentSingle(matrices * rows);
                    Scratch.Rent(matrices * rows * keys);
                });
        });

        private long Queries(int first, int end) => (long)(end - first) * (shape.Heads / shape.KeyValueHeads);

        private void Product(long rows, long columns) => LargestProduct = Math.Max(LargestProduct, rows * columns);

        private static void Within(WorkspaceCount workspace, Action work)
        {
            var mark = workspace.Mark();
            work();
            workspace.Release(mark);
        }

        private static IReadOnlyList<int> Filled(PassShape shape)
        {
            var missing = shape.Rows - shape.Segments.Sum(length => (long)length);
            return missing > 0 ? [.. shape.Segments, (int)missing] : shape.Segments;
        }
    }
}
