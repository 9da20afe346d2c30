using System.Globalization;
using System.Security;
using System.Text;
using ScottPlot;
using ScottPlot.TickGenerators;

namespace Tulu2.Data.Statistics;

/// <summary>
/// The length histogram as an SVG file. ScottPlot draws bars, grid and frame; the labels are text elements of our own, since its labels depend on
/// the fonts of the machine, and many servers have none.
/// </summary>
public static class HistogramPicture
{
    private const int Width = 900, Height = 420, Left = 80, Right = 20, Top = 44, Bottom = 60;
    private const int MostLabels = 14;

    public static string Svg(IReadOnlyList<HistogramBin> bins, string title)
    {
        var top = NiceTop(bins.Select(bin => bin.Count).DefaultIfEmpty(0).Max());
        var step = top / 5;
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture,
            $"<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" width=\"{Width}\" height=\"{Height}\" ");
        text.Append(CultureInfo.InvariantCulture, $"viewBox=\"0 0 {Width} {Height}\" font-family=\"sans-serif\" font-size=\"13\" fill=\"#333333\">");
        text.Append(CultureInfo.InvariantCulture, $"<rect width=\"{Width}\" height=\"{Height}\" fill=\"#ffffff\"/>");
        text.Append(Geometry(bins, top, step));
        Label(text, Width / 2.0, 26, "middle", title, " font-size=\"17\"");
        for (var tick = 0L; tick <= top; tick += step)
            Label(text, Left - 8, Height - Bottom - (double)tick / top * (Height - Top - Bottom) + 4, "end", tick.ToString("N0", CultureInfo.InvariantCulture));
        var every = Math.Max(1, (bins.Count + MostLabels) / MostLabels);
        for (var edge = 0; edge <= bins.Count && bins.Count > 0; edge += every)
        {
            var value = edge < bins.Count ? bins[edge].From : bins[^1].To;
            var x = Left + (double)edge / bins.Count * (Width - Left - Right);
            Label(text, x, Height - Bottom + 20, "middle", value.ToString("N0", CultureInfo.InvariantCulture));
        }
        Label(text, Left + (Width - Left - Right) / 2.0, Height - 14, "middle", "tokens in a sequence");
        Label(text, 18, Top + (Height - Top - Bottom) / 2.0, "middle", "sequences",
            string.Create(CultureInfo.InvariantCulture, $" transform=\"rotate(-90 18 {Top + (Height - Top - Bottom) / 2.0})\""));
        return text.Append("</svg>\n").ToString();
    }

    private static string Geometry(IReadOnlyList<HistogramBin> bins, long top, long step)
    {
        var plot = new Plot();
        plot.FigureBackground.Color = Colors.Transparent;
        plot.DataBackground.Color = Colors.Transparent;
        plot.HideLegend();
        plot.Axes.Right.IsVisible = plot.Axes.Top.IsVisible = false;
        plot.Axes.Left.TickGenerator = Unlabelled([.. Enumerable.Range(0, (int)(top / step) + 1).Select(tick => (double)(tick * step))]);
        plot.Axes.Bottom.TickGenerator = Unlabelled([.. Enumerable.Range(0, bins.Count + 1).Select(edge => (double)edge)]);
        plot.Layout.Fixed(new PixelPadding(Left, Right, Bottom, Top));
        for (var index = 0; index < bins.Count; index++)
        {
            var bar = plot.Add.Bar(index + 0.5, bins[index].Count).Bars[0];
            (bar.Size, bar.FillColor, bar.LineWidth) = (0.92, Color.FromHex("#2f6f9f"), 0);
        }
        plot.Axes.SetLimits(0, Math.Max(1, bins.Count), 0, top);
        var svg = plot.GetSvgXml(Width, Height);
        var start = svg.IndexOf('>', svg.IndexOf("<svg", StringComparison.Ordinal)) + 1;
        return svg[start..svg.LastIndexOf("</svg>", StringComparison.Ordinal)];
    }

    private static NumericManual Unlabelled(double[] positions) => new(positions, [.. positions.Select(_ => "")]);

    // Five equal steps of 1, 2 or 5 times a power of ten, the bars below the last.
    private static long NiceTop(long most)
    {
        for (var power = 1L; ; power *= 10)
            foreach (var step in new[] { 1, 2, 4, 5 })
                if (5 * step * power >= most) return 5 * step * power;
    }

    private static void Label(StringBuilder text, double x, double y, string anchor, string label, string more = "") =>
        text.Append(CultureInfo.InvariantCulture, $"<text x=\"{x:0.#}\" y=\"{y:0.#}\" text-anchor=\"{anchor}\"{more}>{SecurityElement.Escape(label)}</text>");
}
