using System.Numerics.Tensors;
using System.Runtime.Intrinsics;

namespace Tulu2.Training.Optimization;

/// <summary>
/// Sums for a gradient's L2 norm that do not depend on the number of threads. The square of a float is exact in double, so the result does not depend on fused
/// multiply-add either.
/// </summary>
internal static class GradientNorm
{
    /// <summary>The factor that limits the gradient's norm to <paramref name="clip"/> (0: no limit): min(1, clip / (norm + 1e-6)).</summary>
    public static double ClipFactor(double norm, double clip) => clip > 0 ? Math.Min(1, clip / (norm + 1e-6)) : 1;

    /// <summary>Sum of squares of a row, in eight lanes for any vector width of the processor.</summary>
    public static double SquareSum(ReadOnlySpan<float> row)
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

    /// <summary>Whether no element is NaN or infinite.</summary>
    public static bool IsFinite(nint address, long length)
    {
        const int Piece = 1 << 28;
        for (long first = 0; first < length; first += Piece)
        {
            ReadOnlySpan<float> piece = FlatMemory.Floats(address, first, (int)Math.Min(Piece, length - first));
            if (!float.IsFinite(TensorPrimitives.MaxMagnitude(piece))) return false;
        }
        return true;
    }

    /// <summary>The sum by a binary tree; overwrites the array.</summary>
    public static double TreeSum(Span<double> shards)
    {
        for (var width = 1; width < shards.Length; width *= 2)
            for (var left = 0; left + width < shards.Length; left += 2 * width)
                shards[left] += shards[left + width];
        return shards[0];
    }
}
