using Tulu2.Collectives;
using Tulu2.Models.Parameters;

namespace Tulu2.Training.Optimization;

/// <summary>Which part of a rank's flat buffer each of the ranks that share its optimizer state keeps (ZeRO-1, arXiv 1910.02054). Pure arithmetic.</summary>
internal static class ZeroRanges
{
    /// <summary>
    /// Contiguous, in order, together everything, and about equal. Cut only between blocks, so that each rank can measure its part alone, and at multiples
    /// of 16 elements, without which an element-wise kernel's bits depend on the cut. A part may be empty where there are more ranks than blocks.
    /// </summary>
    public static IReadOnlyList<ElementRange> Of(ParameterMap part, GradientBlocks blocks, int zero)
    {
        long[] borders = [.. blocks.Borders(part).Where(border => border % ParameterMap.Alignment == 0), part.Length];
        var ranges = new ElementRange[zero];
        long first = 0;
        for (var index = 0; index < zero; index++)
        {
            var end = index == zero - 1 ? part.Length : Nearest(borders, (long)((Int128)part.Length * (index + 1) / zero));
            ranges[index] = new ElementRange(first, end - first);
            first = end;
        }
        return ranges;
    }

    private static long Nearest(long[] ascending, long wanted)
    {
        var at = Array.BinarySearch(ascending, wanted);
        if (at >= 0) return wanted;
        at = ~at;
        if (at == 0) return ascending[0];
        if (at == ascending.Length) return ascending[^1];
        return wanted - ascending[at - 1] <= ascending[at] - wanted ? ascending[at - 1] : ascending[at];
    }
}
