using System.Runtime.Intrinsics;
using Tulu2.Models.Llama;

namespace Tulu2.Training.Optimization;

/// <summary>
/// The global L2 norm of a flat gradient, in a form that depends neither on threads nor on how the matrices are cut over tensor-parallel ranks: one sum of
/// squares per row of each virtual shard, rows in order, a binary tree over the V shards, matrices in flat order. Squares of floats are exact in
/// double, so that the result does not depend on fused multiply-add either.
/// </summary>
internal static class GradientNorm
{
    /// <param name="gradient">Address of <c>layout.Length</c> floats.</param>
    public static double Of(FlatLayout layout, nint gradient)
    {
        var total = 0.0;
        var shards = new double[layout.VirtualShards];
        foreach (var matrix in layout.Matrices)
        {
            if (matrix.Split == ShardSplit.None)
            {
                total += Block(gradient, matrix.Offset, matrix.Rows, matrix.Columns, matrix.Columns);
                continue;
            }
            for (var shard = 0; shard < shards.Length; shard++) shards[shard] = Shard(matrix, shard, shards.Length, gradient);
            total += Tree(shards);
        }
        return Math.Sqrt(total);
    }

    /// <summary>By what the gradient is multiplied so that its norm is at most <paramref name="clip"/> (0: no limit): min(1, clip / (norm + 1e-6)).</summary>
    public static double ClipFactor(double norm, double clip) => clip > 0 ? Math.Min(1, clip / (norm + 1e-6)) : 1;

    /// <summary>Sum of squares of one virtual shard of a matrix.</summary>
    internal static double Shard(FlatMatrix matrix, int shard, int shards, nint gradient)
    {
        if (matrix.Split == ShardSplit.Rows)
        {
            var rows = matrix.Rows / shards;
            return Block(gradient, matrix.Offset + shard * rows * matrix.Columns, rows, matrix.Columns, matrix.Columns);
        }
        var columns = matrix.Columns / shards;
        return Block(gradient, matrix.Offset + shard * columns, matrix.Rows, columns, matrix.Columns);
    }

    private static double Tree(double[] shards)
    {
        for (var width = 1; width < shards.Length; width *= 2)
            for (var left = 0; left + width < shards.Length; left += 2 * width)
                shards[left] += shards[left + width];
        return shards[0];
    }

    private static double Block(nint gradient, long offset, long rows, long columns, long stride)
    {
        var sum = 0.0;
        for (long row = 0; row < rows; row++) sum += Row(FlatMemory.Floats(gradient, offset + row * stride, (int)columns));
        return sum;
    }

    // Eight lanes, whatever the processor's vectors hold.
    private static double Row(ReadOnlySpan<float> row)
    {
        Vector256<double> low = default, high = default;
        var index = 0;
        for (; index <= row.Length - Vector256<float>.Count; index += Vector256<float>.Count)
        {
            var (a, b) = Vector256.Widen(Vector256.Create(row[index..]));
            low += a * a;
            high += b * b;
        }
        var lanes = low + high;
        var sum = lanes[0] + lanes[2] + (lanes[1] + lanes[3]);
        for (; index < row.Length; index++) sum += (double)row[index] * row[index];
        return sum;
    }
}
