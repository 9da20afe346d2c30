using static TorchSharp.torch;

namespace Tulu2.Models.Parameters;

/// <summary>Parameters as views of a flat buffer, whose memory they share.</summary>
internal static class ParameterViews
{
    /// <summary>[Rows, Columns].</summary>
    public static Tensor Of(Tensor flat, ParameterMatrix matrix)
    {
        using var part = flat.narrow(0, matrix.Offset, matrix.Length);
        return part.view(matrix.Rows, matrix.Columns);
    }

    /// <summary>[Length].</summary>
    public static Tensor VectorOf(Tensor flat, ParameterMatrix matrix) => flat.narrow(0, matrix.Offset, matrix.Length);

    /// <summary>Zeroes the padding between matrices and the untrained rows, within a range of a gradient.</summary>
    public static void ZeroUntrained(Tensor flat, ParameterMap map, long first, long last)
    {
        var end = 0L;
        foreach (var matrix in map.Matrices)
        {
            Zero(end, matrix.Offset);
            end = matrix.Offset + matrix.Length - matrix.UntrainedRows * matrix.Columns;
        }
        Zero(end, map.Length);

        void Zero(long from, long to)
        {
            (from, to) = (Math.Max(from, first), Math.Min(to, last));
            if (to <= from) return;
            using var gap = flat.narrow(0, from, to - from);
            using var zeroed = gap.zero_();
        }
    }
}
