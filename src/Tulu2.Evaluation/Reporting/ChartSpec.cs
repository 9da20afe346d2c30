namespace Tulu2.Evaluation.Reporting;

/// <summary>One line of a chart; points that are not finite are left out.</summary>
/// <param name="Name">In the legend; empty: it is not there, as it goes with another line.</param>
/// <param name="Color">Index into the page's colours, from 0.</param>
/// <param name="Light">Drawn faintly, behind its smoothed curve.</param>
internal sealed record ChartSeries(string Name, IReadOnlyList<double> X, IReadOnlyList<double> Y, int Color = 0, bool Light = false)
{
    /// <summary>
    /// The series reduced to at most <paramref name="limit"/> points. The lowest and highest of each group of neighbours are kept, so that no spike is lost.
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

/// <summary>A chart: lines, or one series of bars.</summary>
/// <param name="Id">Unique on the page; letters, digits and hyphens.</param>
/// <param name="Description">Alternative text of the chart.</param>
/// <param name="FromZero">The vertical axis begins at 0.</param>
internal sealed record ChartSpec(string Id, string Title, string Description, string XLabel, IReadOnlyList<ChartSeries> Series, bool FromZero = false)
{
    /// <summary>[bars] the right edge of each bar, whose left edge is its X; empty: the series are lines.</summary>
    public IReadOnlyList<double> BarEnds { get; init; } = [];

    public bool IsBars => BarEnds.Count > 0;

    /// <summary>The x axis is logarithmic; all X must be above 0.</summary>
    public bool LogarithmicX { get; init; }

    /// <summary>The y axis is logarithmic; points that are not above 0 are left out.</summary>
    public bool Logarithmic { get; init; }

    /// <summary>The reader can switch the y axis to a logarithmic scale.</summary>
    public bool OffersLogarithm { get; init; }
}
