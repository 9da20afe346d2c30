using Tulu2.Checkpoints;
using Tulu2.Collectives;
using Tulu2.Models.Parameters;

namespace Tulu2.Training.State;

/// <summary>Parts of Hugging Face tensors that lie in a range of a flat buffer.</summary>
internal static class FlatRanges
{
    /// <summary>The slices of a range that begins and ends at row boundaries, with offsets from the start of the range.</summary>
    /// <exception cref="ArgumentException">The range ends within a row.</exception>
    public static IReadOnlyList<ParameterSlice> Slices(ParameterMap map, ElementRange range)
    {
        if (range.First == 0 && range.Count == map.Length) return map.Slices;
        var slices = new List<ParameterSlice>();
        foreach (var whole in map.Slices)
        {
            var rows = RowsOf(whole);
            var first = Math.Clamp(CeilingDivide(range.First - whole.Offset, whole.RowStride), 0, rows);
            var end = Math.Clamp(CeilingDivide(range.End - whole.Offset, whole.RowStride), 0, rows);
            if (first >= end) continue;
            if (whole.Offset + (end - 1) * whole.RowStride + whole.Slice.Size[^1] > range.End)
                throw new ArgumentException($"a range that ends within a row of {whole.Slice.Name}", nameof(range));
            var part = Rows(whole, first, end - first);
            slices.Add(part with { Offset = part.Offset - range.First });
        }
        return slices;
    }

    /// <summary>Number of rows of a slice; a vector counts as one row.</summary>
    public static long RowsOf(ParameterSlice slice) => slice.Slice.Length / slice.Slice.Size[^1];

    /// <summary><paramref name="count"/> rows of a slice from row <paramref name="first"/> on; a vector is returned whole.</summary>
    public static ParameterSlice Rows(ParameterSlice whole, long first, long count)
    {
        var slice = whole.Slice;
        if (slice.Size.Length == 1) return whole;
        return whole with
        {
            Slice = new TensorSlice(slice.Name, slice.Shape, [slice.Begin[0] + first, .. slice.Begin[1..]], [count, .. slice.Size[1..]]),
            Offset = whole.Offset + first * whole.RowStride,
        };
    }

    private static long CeilingDivide(long value, long divisor) => value <= 0 ? 0 : (value + divisor - 1) / divisor;
}
