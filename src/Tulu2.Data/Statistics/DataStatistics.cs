using Tulu2.Data.Rows;
using Tulu2.Data.Store;

namespace Tulu2.Data.Statistics;

/// <summary>Number of sequences longer than a length.</summary>
public readonly record struct TruncationCount(int Length, int Sequences);

/// <summary>Statistics of a token store. Lengths are those before truncation, so that truncation can be judged at any length.</summary>
public sealed record DataStatistics
{
    public required StoreReport Report { get; init; }
    public required int Sequences { get; init; }
    public required int MaxLength { get; init; }
    public required int Shortest { get; init; }
    public required int Median { get; init; }
    public required double Mean { get; init; }
    /// <summary>95 in 100 sequences are no longer than this.</summary>
    public required int Percentile95 { get; init; }
    public required int Longest { get; init; }
    /// <summary>At 2,048, at 8,192 and at the maximum length in use.</summary>
    public required IReadOnlyList<TruncationCount> Truncations { get; init; }
    /// <summary>By the rows' field <c>dataset</c>; most rows first.</summary>
    public required IReadOnlyList<SourceTokens> Datasets { get; init; }
    /// <summary>In the order of the files; a file without a usable row has none.</summary>
    public required IReadOnlyList<SourceTokens> Files { get; init; }
    public required IReadOnlyList<HistogramBin> Histogram { get; init; }

    /// <summary>Scored tokens among all tokens, 0 to 1.</summary>
    public double LossShare => Report.Tokens == 0 ? 0 : (double)Report.LossTokens / Report.Tokens;

    /// <param name="maxLength">The maximum length that the store was made with.</param>
    public static DataStatistics Of(TokenStore store, int maxLength, HistogramScale scale = HistogramScale.Automatic)
    {
        var lengths = Enumerable.Range(0, store.Sequences).Select(store.UntruncatedLength).Order().ToArray();
        return new DataStatistics
        {
            Report = store.Report,
            Sequences = lengths.Length,
            MaxLength = maxLength,
            Shortest = lengths.FirstOrDefault(),
            Median = lengths.ElementAtOrDefault(lengths.Length / 2),
            Mean = lengths.Length == 0 ? 0 : lengths.Average(),
            Percentile95 = lengths.ElementAtOrDefault(Math.Max(0, (int)Math.Ceiling(lengths.Length * 0.95) - 1)),
            Longest = lengths.LastOrDefault(),
            Truncations = [.. new[] { 2048, 8192, maxLength }.Distinct().Order()
                .Select(cut => new TruncationCount(cut, lengths.Count(length => length > cut)))],
            Datasets = [.. SourceTokens.Of(store, store.Dataset).OrderByDescending(source => source.Rows).ThenBy(source => source.Name, StringComparer.Ordinal)],
            Files = SourceTokens.Of(store, item => store.SourceFiles[store.FileOf(item)]),
            Histogram = LengthHistogram.Of(lengths, scale),
        };
    }

    /// <summary>Number of rows left out for one kind of fault.</summary>
    public int LeftOut(RowFaultKind kind) => Report.Count(kind);
}
