namespace Tulu2.Evaluation.Reporting;

/// <summary>One line of a chart; points that are not finite are left out.</summary>
/// <param name="Color">Which of the page's colours, from 0.</param>
/// <param name="Light">Drawn faintly, behind another line that says the same more clearly.</param>
internal sealed record ChartSeries(string Name, IReadOnlyList<double> X, IReadOnlyList<double> Y, int Color = 0, bool Light = false)
{
    /// <summary>
    /// At most <paramref name="limit"/> points: of each run of neighbours the lowest and the highest are kept, so that no spike is lost.
    /// </summary>
    public ChartSeries Thinned(int limit)
    {
        var kept = Enumerable.Range(0, X.Count).Where(i => double.IsFinite(X[i]) && double.IsFinite(Y[i])).ToList();
        if (kept.Count > limit)
        {
            var run = (kept.Count + limit / 2 - 1) / (limit / 2);
            kept = [.. kept.Chunk(run).SelectMany(part => new[] { part.MinBy(i => Y[i]), part.MaxBy(i => Y[i]) }.Distinct().Order())];
        }
        return this with { X = [.. kept.Select(i => X[i])], Y = [.. kept.Select(i => Y[i])] };
    }
}

/// <summary>A chart: lines, or (where <paramref name="Bars"/>) one series of bars, X being their left edges and <paramref name="BarWidth"/> their width.</summary>
/// <param name="Id">Unique on the page; letters, digits and hyphens.</param>
/// <param name="Description">What it shows, for those who do not see it.</param>
internal sealed record ChartSpec(
    string Id, string Title, string Description, string XLabel, IReadOnlyList<ChartSeries> Series, bool Bars = false, double BarWidth = 1, bool FromZero = false)
{
    /// <summary>Y is drawn by its logarithm; what is not above 0 is left out.</summary>
    public bool Logarithmic { get; init; }

    /// <summary>A reader may switch to a logarithmic scale.</summary>
    public bool OffersLogarithm { get; init; }
}
