using Tulu2.Collectives;
using Tulu2.Models.Parameters;

namespace Tulu2.Training.State;

/// <summary>The rows that a rank writes into a checkpoint: twins hold the same state, so each writes an about equal share of its bytes.</summary>
internal static class SnapshotShare
{
    /// <summary>
    /// The share of one twin, with offsets within the range; it may be empty. All ranks of a layout together write every row exactly once: a row belongs to
    /// the twin whose share of the flat order it begins in, and a replicated tensor to the first tensor-parallel rank.
    /// </summary>
    /// <param name="range">Range of the part that the twins hold.</param>
    /// <param name="twin">Index of the twin, from 0.</param>
    /// <param name="twins">Number of twins.</param>
    public static IReadOnlyList<ParameterSlice> Of(ParameterMap part, ElementRange range, int twin, int twins)
    {
        var slices = FlatRanges.Slices(part, range).Where(slice => part.Part.TensorIndex == 0 || !slice.IsReplicated).ToArray();
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

            // The first row whose first element is at or after the border.
            long FirstRowAt(int border)
            {
                var edge = (long)((Int128)total * border / twins) - before;
                return Math.Clamp((edge + width - 1) / width, 0, rows);
            }
        }
        return share;
    }
}
