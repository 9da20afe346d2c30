using static TorchSharp.torch;

namespace Tulu2.Models.Llama;

/// <summary>Matrices as views of a flat buffer.</summary>
internal static class FlatViews
{
    /// <summary>[Rows, Columns]; shares the buffer's memory.</summary>
    public static Tensor Of(Tensor flat, FlatMatrix matrix)
    {
        using var part = flat.narrow(0, matrix.Offset, matrix.Length);
        return part.view(matrix.Rows, matrix.Columns);
    }

    /// <summary>[Length]; shares the buffer's memory.</summary>
    public static Tensor VectorOf(Tensor flat, FlatMatrix matrix) => flat.narrow(0, matrix.Offset, matrix.Length);

    /// <summary>Zeroes what lies between the matrices, and the rows that are not trained, in a run of elements of a gradient.</summary>
    public static void ZeroUntrained(Tensor flat, FlatLayout layout, long first, long last)
    {
        var end = 0L;
        foreach (var matrix in layout.Matrices)
        {
            Zero(end, matrix.Offset);
            end = matrix.Offset + matrix.Length - matrix.UntrainedRows * matrix.Columns;
        }
        Zero(end, layout.Length);

        void Zero(long from, long to)
        {
            (from, to) = (Math.Max(from, first), Math.Min(to, last));
            if (to <= from) return;
            using var gap = flat.narrow(0, from, to - from);
            using var zeroed = gap.zero_();
        }
    }
}
