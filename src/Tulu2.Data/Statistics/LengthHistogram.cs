using System.Numerics;

namespace Tulu2.Data.Statistics;

/// <summary>Number of sequences with <paramref name="From"/> to <paramref name="To"/> - 1 tokens.</summary>
public readonly record struct HistogramBin(int From, int To, long Count);

public enum HistogramScale
{
    /// <summary>Logarithmic where the longest sequence is more than 32 times the shortest, else linear.</summary>
    Automatic,
    /// <summary>Bins of equal width.</summary>
    Linear,
    /// <summary>Two bins to each doubling.</summary>
    Logarithmic,
}

/// <summary>Sequences by length.</summary>
public static class LengthHistogram
{
    private const int LinearBins = 20;

    /// <summary>Adjacent bins from the shortest to the longest length; empty if there are no lengths.</summary>
    public static IReadOnlyList<HistogramBin> Of(IReadOnlyCollection<int> lengths, HistogramScale scale = HistogramScale.Automatic)
    {
        if (lengths.Count == 0) return [];
        var (shortest, longest) = (lengths.Min(), lengths.Max());
        if (scale == HistogramScale.Automatic)
            scale = longest > 32L * Math.Max(1, shortest) ? HistogramScale.Logarithmic : HistogramScale.Linear;
        return Count(lengths, scale == HistogramScale.Linear ? LinearEdges(shortest, longest, LinearBins) : LogarithmicEdges(shortest, longest));
    }

    /// <summary>Bins between given edges, so that several histograms have the same. Longer lengths are in the last one.</summary>
    /// <param name="edges">At least two, ascending; the first is no more than any length.</param>
    public static IReadOnlyList<HistogramBin> Count(IEnumerable<int> lengths, List<int> edges)
    {
        var counts = new long[edges.Count - 1];
        foreach (var length in lengths)
        {
            var index = edges.BinarySearch(length);
            counts[Math.Min(index >= 0 ? index : ~index - 1, counts.Length - 1)]++;
        }
        return [.. counts.Select((count, index) => new HistogramBin(edges[index], edges[index + 1], count))];
    }

    /// <summary>Edges at equal, round distances that contain both lengths, of about <paramref name="bins"/> bins.</summary>
    public static List<int> LinearEdges(int shortest, int longest, int bins)
    {
        var width = NiceWidth((longest - shortest + bins) / bins);
        var edges = new List<int> { shortest / width * width };
        while (edges[^1] <= longest) edges.Add(edges[^1] + width);
        return edges;
    }

    // 1, 2, 5, 10, 20, 50, ...: round numbers as edges.
    private static int NiceWidth(int atLeast)
    {
        for (var power = 1; ; power *= 10)
            foreach (var step in new[] { 1, 2, 5 })
                if (step * power >= atLeast) return step * power;
    }

    private static List<int> LogarithmicEdges(int shortest, int longest)
    {
        var edges = new List<int>();
        for (var power = 1 << BitOperations.Log2((uint)Math.Max(1, shortest)); ; power *= 2)
        {
            foreach (var edge in power == 1 ? new[] { 1 } : [power, power + power / 2])
            {
                edges.Add(edge);
                if (edge > longest) return edges[1] <= shortest ? edges[1..] : edges;
            }
        }
    }
}
