using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using static TorchSharp.torch;

namespace Tulu2.Models.Kernels;

/// <summary>Softmax over keys, and over the vocabulary.</summary>
internal sealed unsafe partial class CpuKernels<T>
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Softmax(Tensor scores_MIGJ, AttentionTile tile, Tensor logSums_MTG, Tensor inverse_MIG)
    {
        var scores = Data(scores_MIGJ);
        float* logSums = Single(logSums_MTG), inverse = Single(inverse_MIG);
        int group = Heads.Group, keys = tile.Keys, matrices = tile.Matrices;
        for (var m = 0; m < matrices; m++)
        {
            var logSum = logSums + ((long)m * tile.Group.Length + tile.QueryFirst) * group;
            for (var t = tile.QueryFirst; t < tile.QueryEnd; t++)
                for (var g = 0; g < group; g++, scores += keys)
                {
                    var (maximum, sum) = Exponentials(scores, t + 1, Heads.Scale);
                    NativeMemory.Clear(scores + t + 1, (nuint)((keys - t - 1) * sizeof(T)));
                    *logSum++ = maximum + MathF.Log(sum);
                    *inverse++ = 1 / sum;
                }
        }
    }

    /// <summary>In place exp(scale (value - maximum)); returns the scaled maximum and the sum.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static (float Maximum, float Sum) Exponentials(T* values, int count, float scale)
    {
        var largest = Vector512.Create(float.NegativeInfinity);
        var j = 0;
        for (; j + Lanes.Count <= count; j += Lanes.Count) largest = Vector512.Max(largest, T.Load(values + j));
        if (j < count) largest = Vector512.Max(largest, Lanes.LoadTail(values + j, count - j, float.NegativeInfinity));
        var maximum = Largest(largest) * scale;
        var sums = Vector512<float>.Zero;
        Vector512<float> scales = Vector512.Create(scale), shift = Vector512.Create(-maximum);
        for (j = 0; j + Lanes.Count <= count; j += Lanes.Count)
        {
            var e = Lanes.Exp(Vector512.FusedMultiplyAdd(T.Load(values + j), scales, shift));
            sums += e;
            T.Store(values + j, e);
        }
        if (j < count)
        {
            var e = Lanes.Exp(Vector512.FusedMultiplyAdd(Lanes.LoadTail(values + j, count - j, float.NegativeInfinity), scales, shift));
            sums += e;
            Lanes.StoreTail(values + j, e, count - j);
        }
        return (maximum, Vector512.Sum(sums));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void SoftmaxBackward(Tensor scores_MIGJ, Tensor gradient_MIGJ, AttentionTile tile, Tensor logSums_MTG, Tensor delta_MIG)
    {
        T* scores = Data(scores_MIGJ), gradient = Data(gradient_MIGJ);
        float* logSums = Single(logSums_MTG), delta = Single(delta_MIG);
        int group = Heads.Group, keys = tile.Keys, matrices = tile.Matrices;
        var scale = Vector512.Create(Heads.Scale);
        for (var m = 0; m < matrices; m++)
        {
            var logSum = logSums + ((long)m * tile.Group.Length + tile.QueryFirst) * group;
            for (var t = tile.QueryFirst; t < tile.QueryEnd; t++)
                for (var g = 0; g < group; g++, scores += keys, gradient += keys)
                {
                    Vector512<float> shift = Vector512.Create(-*logSum++), mean = Vector512.Create(*delta++);
                    var count = t + 1;
                    for (var j = 0; j < count; j += Lanes.Count)
                    {
                        var left = count - j;
                        var p = Lanes.Exp(Vector512.FusedMultiplyAdd(Lanes.Load(scores + j, left), scale, shift));
                        Lanes.Store(scores + j, p, left);
                        Lanes.Store(gradient + j, p * (Lanes.Load(gradient + j, left) - mean) * scale, left);
                    }
                    var masked = (nuint)((keys - count) * sizeof(T));
                    NativeMemory.Clear(scores + count, masked);
                    NativeMemory.Clear(gradient + count, masked);
                }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void RowMaxima(Tensor logits_RC, Tensor maximum_R)
    {
        var columns = (int)logits_RC.shape[1];
        var rows = (int)logits_RC.shape[0];
        var logits = Data(logits_RC);
        var maximum = Single(maximum_R);
        for (var row = 0; row < rows; row++, logits += columns)
        {
            var largest = Vector512.Create(float.NegativeInfinity);
            var j = 0;
            for (; j + Lanes.Count <= columns; j += Lanes.Count) largest = Vector512.Max(largest, T.Load(logits + j));
            if (j < columns) largest = Vector512.Max(largest, Lanes.LoadTail(logits + j, columns - j, float.NegativeInfinity));
            maximum[row] = Largest(largest);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void ExponentialSums(Tensor logits_RC, int shards, Tensor maximum_R, Tensor sum_R)
    {
        var columns = (int)logits_RC.shape[1];
        var rows = (int)logits_RC.shape[0];
        var width = columns / shards;
        var logits = Data(logits_RC);
        float* maximum = Single(maximum_R), sum = Single(sum_R);
        var nodes = stackalloc float[shards];
        for (var row = 0; row < rows; row++)
        {
            var shift = Vector512.Create(maximum[row]);
            for (var v = 0; v < shards; v++, logits += width)
            {
                Vector512<float> even = Vector512<float>.Zero, odd = Vector512<float>.Zero;
                var j = 0;
                for (; j + 2 * Lanes.Count <= width; j += 2 * Lanes.Count)
                {
                    even += Lanes.Exp(T.Load(logits + j) - shift);
                    odd += Lanes.Exp(T.Load(logits + j + Lanes.Count) - shift);
                }
                for (; j + Lanes.Count <= width; j += Lanes.Count) even += Lanes.Exp(T.Load(logits + j) - shift);
                if (j < width) even += Lanes.Exp(Lanes.LoadTail(logits + j, width - j, float.NegativeInfinity) - shift);
                nodes[v] = Vector512.Sum(even + odd);
            }
            for (var count = shards; count > 1; count /= 2)
                for (var v = 0; v < count / 2; v++)
                    nodes[v] = nodes[2 * v] + nodes[2 * v + 1];
            sum[row] = nodes[0];
        }
    }

    public override void TargetLogits(Tensor logits_RC, ReadOnlySpan<int> targets, long firstColumn, Tensor target_R)
    {
        var columns = logits_RC.shape[1];
        var logits = Data(logits_RC);
        var target = Single(target_R);
        for (var row = 0; row < targets.Length; row++)
        {
            var column = targets[row] - firstColumn;
            target[row] = column >= 0 && column < columns ? T.Get(logits + row * columns + column) + 0f : 0;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void LogitGradient(
        Tensor logits_RC, ReadOnlySpan<int> targets, long firstColumn, Tensor maximum_R, Tensor sum_R, Tensor coefficient_R)
    {
        var columns = (int)logits_RC.shape[1];
        var logits = Data(logits_RC);
        float* maximum = Single(maximum_R), sum = Single(sum_R), coefficient = Single(coefficient_R);
        for (var row = 0; row < targets.Length; row++, logits += columns)
        {
            Vector512<float> shift = Vector512.Create(maximum[row]), factor = Vector512.Create(-coefficient[row] / sum[row]);
            var column = targets[row] - firstColumn;
            var here = column >= 0 && column < columns;
            var atTarget = here ? coefficient[row] + factor[0] * Lanes.Exp(Vector512.Create(T.Get(logits + column)) - shift)[0] : 0;
            for (var j = 0; j < columns; j += Lanes.Count)
                Lanes.Store(logits + j, factor * Lanes.Exp(Lanes.Load(logits + j, columns - j) - shift), columns - j);
            if (here) T.Set(logits + column, atTarget);
        }
    }

    private static float Largest(Vector512<float> values)
    {
        var largest = values[0];
        for (var i = 1; i < Lanes.Count; i++) largest = MathF.Max(largest, values[i]);
        return largest;
    }
}
