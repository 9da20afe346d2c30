using System.Globalization;
using System.Text;
using ScottPlot;

namespace Tulu2.Evaluation.Reporting;

/// <summary>
/// Renders charts as inline SVG. ScottPlot draws the geometry; labels are added here as plain text elements, because ScottPlot's carry glyph positions of the
/// machine's fonts, of which many servers have none. Colours are placeholders that the page's style sheet replaces for light and dark mode.
/// </summary>
internal static class SvgChart
{
    // Narrow, so that labels stay legible on a phone, which shows the chart at two thirds of its size.
    public const int Width = 520;
    public const int Height = 260;
    private const int Left = 62, Right = 14, Top = 14, Bottom = 44;
    private const int MostPoints = 1200;

    /// <summary>Placeholder colours of the series, in order; <see cref="ReportStyle"/> maps them to the page's colours.</summary>
    public static readonly string[] SeriesColors = ["#0000F1", "#0000F2", "#0000F3", "#0000F4"];
    public static readonly string[] LightColors = ["#0000E1", "#0000E2", "#0000E3", "#0000E4"];
    public const string GridColor = "#0000F8";
    public const string FrameColor = "#0000F9";

    /// <summary>Renders the chart; if it offers a logarithmic scale, renders both, with a switch that needs no script.</summary>
    public static string Render(ChartSpec spec)
    {
        if (!spec.OffersLogarithm) return Figure(spec, "chart");
        var logarithmic = spec with { Id = $"{spec.Id}-log", Description = $"{spec.Description} Logarithmic scale.", Logarithmic = true };
        return $"<div class=\"scales\">{Choice("linear", "linear", " checked")}{Choice("logarithmic", "log", "")}"
            + Figure(spec, "chart linear") + Figure(logarithmic, "chart logarithmic") + "</div>\n";

        string Choice(string id, string name, string state) =>
            $"<input type=\"radio\" name=\"{spec.Id}-scale\" id=\"{spec.Id}-{id}\"{state}><label for=\"{spec.Id}-{id}\">{name}</label>";
    }

    private static string Figure(ChartSpec spec, string style)
    {
        var series = spec.Series.Select(s => Drawn(s, spec)).ToList();
        var barEnds = spec.BarEnds.Select(end => Drawn(end, spec.LogarithmicX)).ToList();
        var (x, y) = Axes(spec, series, barEnds);
        var plot = NewPlot(x, y);
        if (spec.IsBars) AddBars(plot, series[0], barEnds);
        else
            foreach (var line in series.Where(line => line.X.Count > 0)) AddLine(plot, line);
        // Set last, because bars add margins of their own.
        plot.Axes.SetLimits(x.Low, x.High, y.Low, y.High);
        return Wrap(spec, style, x, y, Geometry(plot, spec.Id));
    }

    // Bars are not thinned: each belongs to one of the bar ends.
    private static ChartSeries Drawn(ChartSeries series, ChartSpec spec)
    {
        var drawn = series with { X = [.. series.X.Select(x => Drawn(x, spec.LogarithmicX))], Y = [.. series.Y.Select(y => Drawn(y, spec.Logarithmic))] };
        return spec.IsBars ? drawn : drawn.Thinned(MostPoints);
    }

    private static double Drawn(double value, bool logarithmic) => logarithmic ? Math.Log10(value) : value;

    private static (AxisTicks X, AxisTicks Y) Axes(ChartSpec spec, List<ChartSeries> series, List<double> barEnds)
    {
        var xs = series.SelectMany(s => s.X).Concat(barEnds).ToList();
        var ys = series.SelectMany(s => s.Y).ToList();
        double lowX = xs.DefaultIfEmpty(0).Min(), highX = xs.DefaultIfEmpty(1).Max();
        double lowY = ys.DefaultIfEmpty(0).Min(), highY = ys.DefaultIfEmpty(1).Max();
        if (spec.IsBars || spec.FromZero) lowY = Math.Min(0, lowY);
        return (
            spec.LogarithmicX ? AxisTicks.Logarithmic(Math.Pow(10, lowX), Math.Pow(10, highX)) : AxisTicks.For(lowX, highX, 6, snap: false, whole: true),
            spec.Logarithmic ? AxisTicks.Logarithmic(Math.Pow(10, lowY), Math.Pow(10, highY)) : AxisTicks.For(lowY, highY, 5, snap: true, whole: spec.IsBars));
    }

    private static Plot NewPlot(AxisTicks x, AxisTicks y)
    {
        var plot = new Plot();
        plot.FigureBackground.Color = Colors.Transparent;
        plot.DataBackground.Color = Colors.Transparent;
        plot.HideLegend();
        plot.Axes.Right.IsVisible = plot.Axes.Top.IsVisible = false;
        plot.Axes.Bottom.TickGenerator = Unlabelled(x);
        plot.Axes.Left.TickGenerator = Unlabelled(y);
        plot.Axes.FrameColor(Color.FromHex(FrameColor));
        plot.Grid.MajorLineColor = Color.FromHex(GridColor);
        plot.Layout.Fixed(new PixelPadding(Left, Right, Bottom, Top));
        return plot;
    }

    private static ScottPlot.TickGenerators.NumericManual Unlabelled(AxisTicks axis) =>
        new([.. axis.Positions], [.. axis.Positions.Select(_ => string.Empty)]);

    private static void AddBars(Plot plot, ChartSeries series, List<double> ends)
    {
        for (var i = 0; i < ends.Count; i++)
        {
            var (left, width) = (series.X[i], ends[i] - series.X[i]);
            var bar = plot.Add.Bar(left + width / 2, series.Y[i]).Bars[0];
            (bar.Size, bar.FillColor, bar.LineWidth) = (width * 0.9, ColorOf(series), 0);
        }
    }

    private static void AddLine(Plot plot, ChartSeries series)
    {
        var line = plot.Add.Scatter(series.X.ToArray(), series.Y.ToArray(), ColorOf(series));
        // A line needs two points: a single step is drawn as a marker.
        (line.LineWidth, line.MarkerSize) = (1.75f, series.X.Count == 1 ? 6 : 0);
    }

    private static Color ColorOf(ChartSeries series) => Color.FromHex((series.Light ? LightColors : SeriesColors)[series.Color % SeriesColors.Length]);

    /// <summary>The content of ScottPlot's SVG element, with ids made unique on the page.</summary>
    private static string Geometry(Plot plot, string id)
    {
        var svg = plot.GetSvgXml(Width, Height);
        var start = svg.IndexOf('>', svg.IndexOf("<svg", StringComparison.Ordinal)) + 1;
        return svg[start..svg.LastIndexOf("</svg>", StringComparison.Ordinal)]
            .Replace("id=\"", $"id=\"{id}-", StringComparison.Ordinal)
            .Replace("url(#", $"url(#{id}-", StringComparison.Ordinal)
            .Replace("\t", string.Empty, StringComparison.Ordinal);
    }

    private static string Wrap(ChartSpec spec, string style, AxisTicks x, AxisTicks y, string geometry)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"<figure class=\"{style}\"><figcaption>{Html.Escape(spec.Title)}{Legend(spec)}</figcaption>");
        text.Append(CultureInfo.InvariantCulture,
            $"<svg viewBox=\"0 0 {Width} {Height}\" role=\"img\" aria-labelledby=\"{spec.Id}-title {spec.Id}-desc\">");
        text.Append(CultureInfo.InvariantCulture,
            $"<title id=\"{spec.Id}-title\">{Html.Escape(spec.Title)}</title><desc id=\"{spec.Id}-desc\">{Html.Escape(spec.Description)}</desc>");
        text.Append(geometry);
        foreach (var (position, label) in x.Positions.Zip(x.Labels))
            Label(text, Left + (position - x.Low) / (x.High - x.Low) * (Width - Left - Right), Height - Bottom + 18, "middle", label);
        foreach (var (position, label) in y.Positions.Zip(y.Labels))
            Label(text, Left - 8, Height - Bottom - (position - y.Low) / (y.High - y.Low) * (Height - Top - Bottom) + 4, "end", label);
        Label(text, Left + (Width - Left - Right) / 2.0, Height - 8, "middle", spec.XLabel);
        return text.Append("</svg></figure>\n").ToString();
    }

    private static string Legend(ChartSpec spec) => spec.Series.Count < 2
        ? string.Empty
        : " <span class=\"legend\">"
            + string.Concat(spec.Series.Where(s => s.Name.Length > 0).Select(s =>
                $"<span class=\"key key{s.Color % SeriesColors.Length + 1}{(s.Light ? " light" : "")}\">{Html.Escape(s.Name)}</span>")) + "</span>";

    private static void Label(StringBuilder text, double x, double y, string anchor, string label) =>
        text.Append(CultureInfo.InvariantCulture, $"<text x=\"{x:0.#}\" y=\"{y:0.#}\" text-anchor=\"{anchor}\">{Html.Escape(label)}</text>");
}
