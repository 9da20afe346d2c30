using Tulu2.Data.Statistics;
using Tulu2.Files;

namespace Tulu2.Evaluation.Reporting;

/// <summary>Histograms of token lengths on one x axis, so that they can be compared (after figure 1 of the TÜLU 2 paper).</summary>
internal sealed class DataCharts
{
    private const int Bins = 50;
    // Three rows of charts on a wide page; the other sources together are the last one.
    private const int MostSources = 12;
    private const string Axis = "tokens in a sequence";

    private readonly List<int> _edges;

    public DataCharts(IReadOnlyList<DataPageSet> sets)
    {
        var (longest, cut) = (sets.Max(set => set.Tokens.Longest), sets.Max(set => set.Tokens.MaxLength));
        // A few very long sequences would leave nothing to see of the others.
        var end = Math.Min(longest, 2L * cut);
        IsCut = end < longest;
        _edges = LengthHistogram.LinearEdges(0, (int)end, Bins);
    }

    /// <summary>Sequences beyond the end of the axis are in the last bin.</summary>
    public bool IsCut { get; }

    /// <summary>Where the axis ends.</summary>
    public int End => _edges[^1];

    /// <summary>All sets as lines: shares, since sets differ in size.</summary>
    public ChartSpec Compared(IReadOnlyList<DataPageSet> sets) => new("compared", "Sequences by length, in % of each set",
        $"Shares of the sequences by number of tokens, for {string.Join(" and ", sets.Select(set => set.Name))}.", Axis,
        [.. sets.Select((set, index) => Outline(set.Name, LengthsOf(set.Tokens), index))], FromZero: true);

    public ChartSpec Whole(DataPageSet set, string id) => Bars(id, "All sequences", LengthsOf(set.Tokens));

    /// <summary>One chart a source, in the order of the table.</summary>
    public IEnumerable<ChartSpec> BySource(DataPageSet set, string id)
    {
        var sources = set.Tokens.Datasets;
        var shown = sources.Count > MostSources ? MostSources - 1 : sources.Count;
        for (var index = 0; index < shown; index++) yield return Bars($"{id}-{index + 1}", sources[index].Name, sources[index].Lengths);
        if (shown < sources.Count)
            yield return Bars($"{id}-others", $"{NumberText.Count(sources.Count - shown, "other source")}", [.. sources.Skip(shown).SelectMany(source => source.Lengths)]);
    }

    private ChartSpec Bars(string id, string title, IReadOnlyList<int> lengths)
    {
        var bins = LengthHistogram.Count(lengths, _edges);
        return new ChartSpec(id, $"{title}: {NumberText.Count(lengths.Count, "sequence")}", $"{title}: number of sequences by number of tokens.", Axis,
            [new ChartSeries("sequences", [.. bins.Select(bin => (double)bin.From)], [.. bins.Select(bin => (double)bin.Count)])])
        {
            BarEnds = [.. bins.Select(bin => (double)bin.To)],
        };
    }

    // The upper edge of the bars.
    private ChartSeries Outline(string name, IReadOnlyList<int> lengths, int color)
    {
        var bins = LengthHistogram.Count(lengths, _edges);
        double Share(HistogramBin bin) => 100.0 * bin.Count / Math.Max(1, lengths.Count);
        return new ChartSeries(name, [.. bins.SelectMany(bin => new double[] { bin.From, bin.To })], [.. bins.SelectMany(bin => new[] { Share(bin), Share(bin) })], color);
    }

    private static List<int> LengthsOf(DataStatistics statistics) => [.. statistics.Datasets.SelectMany(source => source.Lengths)];
}
