using Tulu2.Collectives;
using Tulu2.Models.Parameters;

namespace Tulu2.Training.Steps;

/// <summary>
/// The pieces by which a part's gradient is added up over the replicas while its last slot's backward pass still runs: cut where a backward pass says that all
/// above is final. Pure arithmetic of the part, so that all ranks that hold it make the same calls.
/// </summary>
internal static class GradientPieces
{
    // Below 4 MiB meeting costs more than the bytes (docs/benchmarks.md); but a small model's gradient is to be more than one piece too.
    private const long Fewest = 1 << 14, Enough = 1 << 20, Pieces = 16;

    /// <param name="fewest">Elements that a piece has at least; the lowest may have fewer. Null: by the size of the part.</param>
    /// <returns>From the top of the flat order down, without gaps, together everything.</returns>
    public static IReadOnlyList<ElementRange> Of(ParameterMap part, long? fewest = null)
    {
        var pieces = new List<ElementRange>();
        var end = part.Length;
        var least = fewest ?? Math.Clamp(part.Length / Pieces, Fewest, Enough);
        // As DecoderModel.Backward reports them.
        foreach (var border in part.LayerStarts.Reverse())
        {
            if (border == end || (border > 0 && end - border < least)) continue;
            pieces.Add(new ElementRange(border, end - border));
            end = border;
        }
        return pieces;
    }
}
