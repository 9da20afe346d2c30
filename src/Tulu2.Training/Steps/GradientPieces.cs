using Tulu2.Collectives;
using Tulu2.Models.Parameters;

namespace Tulu2.Training.Steps;

/// <summary>
/// The pieces in which a part's gradient is reduced over the replicas during the backward pass of the last slot. Each piece starts where a backward pass
/// reports all higher elements as final. A pure function of the part, so that all ranks that hold it make the same calls.
/// </summary>
internal static class GradientPieces
{
    // Below 4 MiB a reduction is bound by latency (docs/benchmarks.md); but a small model's gradient should be cut into several pieces too.
    private const long Fewest = 1 << 14, Enough = 1 << 20, Pieces = 16;

    /// <param name="fewest">Minimum number of elements of a piece; the lowest piece may be smaller. Null: depends on the size of the part.</param>
    /// <returns>From the end of the flat order to its start, without gaps; together they cover the part.</returns>
    public static IReadOnlyList<ElementRange> Of(ParameterMap part, long? fewest = null)
    {
        var pieces = new List<ElementRange>();
        var end = part.Length;
        var least = fewest ?? Math.Clamp(part.Length / Pieces, Fewest, Enough);
        // The order in which DecoderModel.Backward reports them.
        foreach (var border in part.LayerStarts.Reverse())
        {
            if (border == end || (border > 0 && end - border < least)) continue;
            pieces.Add(new ElementRange(border, end - border));
            end = border;
        }
        return pieces;
    }
}
