using Tulu2.Collectives;
using Tulu2.Models.Parameters;

namespace Tulu2.Training.Optimization;

/// <summary>Partitions a part's flat buffer among the ranks of a ZeRO group (ZeRO-1, arXiv 1910.02054). Pure arithmetic.</summary>
internal static class ZeroRanges
{
    /// <summary>
    /// The range of each rank: contiguous, in order, about equal in size, together covering the part. Cuts fall between blocks, so that each rank can measure
    /// its range alone, and at multiples of 16 elements, since otherwise the bits of element-wise kernels would depend on them. A range may be empty.
    /// </summary>
    /// <param name="zero">ZeRO degree: the number of ranges.</param>
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
