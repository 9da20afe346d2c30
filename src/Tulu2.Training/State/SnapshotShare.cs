using Tulu2.Collectives;
using Tulu2.Models.Parameters;

namespace Tulu2.Training.State;

/// <summary>Which rows of which tensors a rank writes into a checkpoint: its twins hold the same, so each of them writes about an equal part of its bytes.</summary>
internal static class SnapshotShare
{
    /// <summary>
    /// The part of one of several twins, with offsets within the range; it may be empty. Over all ranks of a layout every row is there exactly once: a row
    /// belongs to the twin in whose part of the flat order it begins, and what all tensor-parallel ranks hold to the first of them.
    /// </summary>
    /// <param name="range">What of the part the twins keep.</param>
    public static IReadOnlyList<ParameterSlice> Of(ParameterMap part, ElementRange range, int twin, int twins)
    {
        var slices = FlatRanges.Slices(part, range).Where(slice => part.Part.TensorPlace == 0 || !slice.IsReplicated).ToArray();
        var total = slices.Sum(slice => slice.Slice.Length);
        var share = new List<ParameterSlice>();
        long before = 0;
        foreach (var slice in slices)
        {
            var width = slice.Slice.Size[^1];
            var rows = FlatRanges.RowsOf(slice);
            var first = FirstRowAt(twin);
            var end = FirstRowAt(twin + 1);
            if (end > first) share.Add(FlatRanges.Rows(slice, first, end - first));
            before += slice.Slice.Length;

            // The first row whose first element lies at or behind the twin's border.
            long FirstRowAt(int border)
            {
                var edge = (long)((Int128)total * border / twins) - before;
                return Math.Clamp((edge + width - 1) / width, 0, rows);
            }
        }
        return share;
    }
}
