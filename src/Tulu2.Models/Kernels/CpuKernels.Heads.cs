using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using static TorchSharp.torch;

namespace Tulu2.Models.Kernels;

/// <summary>Rotary embedding, and the way of heads between the flat batch and attention's own layout.</summary>
internal sealed unsafe partial class CpuKernels<T>
{
    public override void SplitHeads(Tensor fused_NS, int[] positions, SegmentGroup[] groups, Tensor q, Tensor k, Tensor v)
    {
        T* fused = Data(fused_NS), queries = Data(q), keys = Data(k), values = Data(v);
        int size = Heads.HeadSize, group = Heads.Group, width = Heads.FusedWidth;
        var (cosines, sines) = Rotary.Upto(positions.Max() + 1);
        fixed (float* cosine = cosines, sine = sines)
            foreach (var segments in groups)
            {
                var length = segments.Length;
                for (var b = 0; b < segments.Starts.Length; b++)
                    for (var t = 0; t < length; t++)
                    {
                        var row = segments.Row(b, t);
                        var from = fused + (long)row * width;
                        var turn = (long)positions[row] * Rotary.Half;
                        for (var head = 0; head < Heads.KeyValueHeads; head++)
                        {
                            // Tokens before this matrix: those of earlier groups and segments over all heads, then this segment's earlier heads.
                            var offset = ((long)segments.Offset + (long)b * length) * Heads.KeyValueHeads + (long)head * length + t;
                            for (var g = 0; t >= segments.FirstQuery && g < group; g++)
                                Turn(from + Heads.QueryColumn(head * group + g), cosine + turn, sine + turn, 1, queries + (offset * group + g) * size);
                            Turn(from + Heads.KeyColumn(head), cosine + turn, sine + turn, 1, keys + offset * size);
                            Unsafe.CopyBlockUnaligned(values + offset * size, from + Heads.ValueColumn(head), (uint)(size * sizeof(T)));
                        }
                    }
            }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void MergeOutput(Tensor output_MIGK, Tensor inverse_MIG, AttentionTile tile, Tensor output_NQ)
    {
        T* from = Data(output_MIGK), output = Data(output_NQ);
        var inverse = Single(inverse_MIG);
        int size = Heads.HeadSize, group = Heads.Group;
        for (var b = 0; b < tile.Count; b++)
            for (var head = tile.HeadFirst; head < tile.HeadEnd; head++)
            {
                var others = (tile.OwnFirst - tile.QueryFirst) * group;
                from += others * size;
                inverse += others;
                for (var t = tile.OwnFirst; t < tile.QueryEnd; t++)
                {
                    var to = output + (long)tile.Row(b, t) * Heads.QueryWidth + head * group * size;
                    for (var g = 0; g < group; g++, from += size, to += size)
                    {
                        var scale = Vector512.Create(*inverse++);
                        for (var j = 0; j < size; j += Lanes.Count) Lanes.Store(to + j, Lanes.Load(from + j, size - j) * scale, size - j);
                    }
                }
            }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void SplitOutputGradient(Tensor gradient_NQ, Tensor output_NQ, AttentionTile tile, Tensor gradient_MIGK, Tensor delta_MIG)
    {
        T* gradient = Data(gradient_NQ), output = Data(output_NQ), to = Data(gradient_MIGK);
        var delta = Single(delta_MIG);
        int size = Heads.HeadSize, group = Heads.Group;
        for (var b = 0; b < tile.Count; b++)
            for (var head = tile.HeadFirst; head < tile.HeadEnd; head++)
            {
                var others = (tile.OwnFirst - tile.QueryFirst) * group;
                NativeMemory.Clear(to, (nuint)(others * size * sizeof(T)));
                NativeMemory.Clear(delta, (nuint)(others * sizeof(float)));
                to += others * size;
                delta += others;
                for (var t = tile.OwnFirst; t < tile.QueryEnd; t++)
                {
                    var offset = (long)tile.Row(b, t) * Heads.QueryWidth + head * group * size;
                    for (var g = 0; g < group; g++, offset += size, to += size)
                    {
                        var dots = Vector512<float>.Zero;
                        for (var j = 0; j < size; j += Lanes.Count)
                        {
                            var values = Lanes.Load(gradient + offset + j, size - j);
                            dots = Vector512.FusedMultiplyAdd(values, Lanes.Load(output + offset + j, size - j), dots);
                            Lanes.Store(to + j, values, size - j);
                        }
                        *delta++ = Vector512.Sum(dots);
                    }
                }
            }
    }

    public override void MergeQueryGradient(Tensor gradient_MIGK, AttentionTile tile, int[] positions, Tensor gradient_NS)
    {
        T* from = Data(gradient_MIGK), fused = Data(gradient_NS);
        int size = Heads.HeadSize, group = Heads.Group;
        var (cosines, sines) = Rotary.Upto(positions.Max() + 1);
        fixed (float* cosine = cosines, sine = sines)
            for (var b = 0; b < tile.Count; b++)
                for (var head = tile.HeadFirst; head < tile.HeadEnd; head++)
                {
                    from += (tile.OwnFirst - tile.QueryFirst) * group * size;
                    for (var t = tile.OwnFirst; t < tile.QueryEnd; t++)
                    {
                        var row = tile.Row(b, t);
                        var turn = (long)positions[row] * Rotary.Half;
                        for (var g = 0; g < group; g++, from += size)
                            Turn(from, cosine + turn, sine + turn, -1, fused + (long)row * Heads.FusedWidth + Heads.QueryColumn(head * group + g));
                    }
                }
    }

    public override void MergeKeyValueGradient(Tensor keyGradient_MTK, Tensor valueGradient_MTK, AttentionTile tile, int[] positions, Tensor gradient_NS)
    {
        T* keys = Data(keyGradient_MTK), values = Data(valueGradient_MTK), fused = Data(gradient_NS);
        var size = Heads.HeadSize;
        var (cosines, sines) = Rotary.Upto(positions.Max() + 1);
        var turned = stackalloc T[size];
        fixed (float* cosine = cosines, sine = sines)
            for (var b = 0; b < tile.Count; b++)
                for (var head = tile.HeadFirst; head < tile.HeadEnd; head++)
                    for (var t = 0; t < tile.Group.Length; t++, keys += size, values += size)
                    {
                        var row = tile.Row(b, t);
                        var turn = (long)positions[row] * Rotary.Half;
                        var to = fused + (long)row * Heads.FusedWidth;
                        if (t < tile.Group.Prefix)
                        {
                            Turn(keys, cosine + turn, sine + turn, -1, turned);
                            Add(to + Heads.KeyColumn(head), turned, size);
                            Add(to + Heads.ValueColumn(head), values, size);
                            continue;
                        }
                        Turn(keys, cosine + turn, sine + turn, -1, to + Heads.KeyColumn(head));
                        Unsafe.CopyBlockUnaligned(to + Heads.ValueColumn(head), values, (uint)(size * sizeof(T)));
                    }
    }

    private static void Add(T* to, T* from, int size)
    {
        for (var j = 0; j < size; j += Lanes.Count) Lanes.Store(to + j, Lanes.Load(to + j, size - j) + Lanes.Load(from + j, size - j), size - j);
    }

    /// <summary>One head: (a, b) becomes (a cos - b sin, b cos + a sin) over its two halves; <paramref name="direction"/> -1 turns back.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Turn(T* from, float* cosine, float* sine, float direction, T* to)
    {
        var half = Heads.HeadSize / 2;
        var j = 0;
        for (; j + Lanes.Count <= half; j += Lanes.Count)
        {
            Vector512<float> a = T.Load(from + j), b = T.Load(from + half + j), c = Vector512.Load(cosine + j), s = Vector512.Load(sine + j) * direction;
            T.Store(to + j, a * c - b * s);
            T.Store(to + half + j, b * c + a * s);
        }
        for (; j + 8 <= half; j += 8)
        {
            Vector256<float> a = T.LoadHalf(from + j), b = T.LoadHalf(from + half + j), c = Vector256.Load(cosine + j), s = Vector256.Load(sine + j) * direction;
            T.StoreHalf(to + j, a * c - b * s);
            T.StoreHalf(to + half + j, b * c + a * s);
        }
        for (; j < half; j++)
        {
            float a = T.Get(from + j), b = T.Get(from + half + j), c = cosine[j], s = sine[j] * direction;
            T.Set(to + j, a * c - b * s);
            T.Set(to + half + j, b * c + a * s);
        }
    }
}
