using Tulu2.Checkpoints;
using Tulu2.Models.Llama;

namespace Tulu2.Training.Workers;

/// <summary>Which rows of which tensors a data rank writes into a checkpoint: the state is the same on all, so each writes about an equal part of its bytes.</summary>
internal static class SnapshotShare
{
    /// <summary>The parts of a rank. Over all ranks they cover every row exactly once; a row belongs to the rank in whose part of the flat order it begins.</summary>
    public static IReadOnlyList<FlatSlice> Of(FlatLayout layout, int rank, int size)
    {
        var total = layout.Slices.Sum(slice => slice.Slice.Length);
        var parts = new List<FlatSlice>();
        long before = 0;
        foreach (var slice in layout.Slices)
        {
            var width = slice.Slice.Size[^1];
            var rows = slice.Slice.Length / width;
            var first = FirstRowAt(rank);
            var end = FirstRowAt(rank + 1);
            if (end > first) parts.Add(Rows(slice, first, end - first));
            before += slice.Slice.Length;

            // The first row whose first element lies at or behind the rank's border.
            long FirstRowAt(int border)
            {
                var edge = (long)((Int128)total * border / size) - before;
                return Math.Clamp((edge + width - 1) / width, 0, rows);
            }
        }
        return parts;
    }

    private static FlatSlice Rows(FlatSlice whole, long first, long count)
    {
        var (slice, offset, stride) = whole;
        if (slice.Size.Length == 1) return whole;
        return new FlatSlice(
            new TensorSlice(slice.Name, slice.Shape, [slice.Begin[0] + first, .. slice.Begin[1..]], [count, .. slice.Size[1..]]), offset + first * stride, stride);
    }
}
