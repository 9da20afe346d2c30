using System.Globalization;
using Tulu2.Files;
using Tulu2.Training.Objectives;

namespace Tulu2.Evaluation.Reporting;

/// <summary>The charts of a training stage and of the data.</summary>
internal static class StageCharts
{
    /// <param name="prefix">Prefix that makes the charts' ids unique on the page.</param>
    public static IEnumerable<ChartSpec> Of(ReportStage stage, string prefix)
    {
        if (stage.Steps.Count == 0) yield break;
        yield return Loss(stage, prefix);
        foreach (var chart in Validations(stage, prefix)) yield return chart;
        yield return One("rate", "Learning rate", s => s.LearningRate, fromZero: true);
        yield return One("norm", "Gradient norm before clipping", s => s.GradNorm, fromZero: true);
        yield return One("speed", "Tokens per second", s => s.TokensPerSecond, fromZero: true);
        // A run of another version may have metrics that no objective here defines.
        var metrics = stage.Steps.SelectMany(s => s.More).Select(value => value.Name).Distinct().Select(ObjectiveCatalog.Metric);
        foreach (var chart in metrics.GroupBy(metric => metric.Chart))
            // As many lines as there are colours to tell them apart by.
            foreach (var (part, lines) in chart.Chunk(SvgChart.SeriesColors.Length).Index())
            {
                var id = part == 0 ? chart.Key.Id : $"{chart.Key.Id}-{part + 1}";
                yield return Many(id, chart.Key.Title, [.. lines.Select(metric => Line(metric.Line, s => s.More.Find(metric.Name)))]) with { FromZero = chart.Key.FromZero };
            }

        static (string, Func<StepRecord, double?>) Line(string name, Func<StepRecord, double?> value) => (name, value);

        ChartSpec One(string id, string title, Func<StepRecord, double> value, bool fromZero = false) =>
            Many(id, title, (title, s => value(s))) with { FromZero = fromZero };

        ChartSpec Many(string id, string title, params (string Name, Func<StepRecord, double?> Value)[] lines)
        {
            double[] steps = [.. stage.Steps.Select(s => (double)s.Step)];
            List<ChartSeries> series = [.. lines.Select((l, i) => new ChartSeries(l.Name, steps, [.. stage.Steps.Select(s => l.Value(s) ?? double.NaN)], i))];
            return new ChartSpec($"{prefix}-{id}", title, Describe(stage.Name, title, series), "step", series);
        }
    }

    /// <summary>The loss of each step, with a smoothed curve where there are enough steps.</summary>
    private static ChartSpec Loss(ReportStage stage, string prefix)
    {
        double[] steps = [.. stage.Steps.Select(s => (double)s.Step)], losses = [.. stage.Steps.Select(s => s.Loss)];
        var each = new ChartSeries("each step", steps, losses);
        var constant = Smoothing.Constant(losses.Length);
        List<ChartSeries> series = losses.Length < Smoothing.FewestPoints ? [each] :
        [
            each with { Light = true },
            new(string.Create(CultureInfo.InvariantCulture, $"smoothed (moving average, constant {constant})"), steps, Smoothing.Of(losses, constant)),
        ];
        return new ChartSpec($"{prefix}-loss", "Loss", Describe(stage.Name, "Loss", series), "step", series) { OffersLogarithm = losses.Any(loss => loss > 0) };
    }

    /// <summary>A chart for each value by which validations can be compared.</summary>
    private static IEnumerable<ChartSpec> Validations(ReportStage stage, string prefix)
    {
        if (stage.Validations.Count == 0) yield break;
        double[] steps = [.. stage.Validations.Select(validation => (double)validation.Step)];
        foreach (var name in stage.Validations[0].Values.Select(value => value.Name))
        {
            if (name != ValidationMetrics.Loss && ObjectiveCatalog.Metric(name).HigherIsBetter is null) continue;
            var words = name == ValidationMetrics.Loss ? "loss" : ObjectiveCatalog.Metric(name).Words;
            List<ChartSeries> series = [new("validation", steps, [.. stage.Validations.Select(validation => validation.Values.Find(name) ?? double.NaN)])];
            if (name == ValidationMetrics.Loss && stage.Steps.Count > 0)
                series.Add(new("training", [.. stage.Steps.Select(step => (double)step.Step)], [.. stage.Steps.Select(step => step.Loss)], 1, Light: true));
            yield return new ChartSpec($"{prefix}-validation-{name.Replace('_', '-')}", $"Validation: {words}", Describe(stage.Name, $"Validation {words}", series), "step", series);
        }
    }

    /// <summary>The token-length histogram; on a logarithmic axis if the bins differ in width.</summary>
    public static ChartSpec Lengths(IReadOnlyList<LengthBin> bins)
    {
        var series = new ChartSeries("sequences", [.. bins.Select(bin => (double)bin.From)], [.. bins.Select(bin => (double)bin.Count)]);
        var description = string.Create(CultureInfo.InvariantCulture,
            $"Histogram of {NumberText.Count(bins.Sum(bin => bin.Count), "sequence")} from {bins[0].From} to {bins[^1].To - 1} tokens.");
        return new ChartSpec("lengths", "Sequences by length", description, "tokens", [series])
        {
            BarEnds = [.. bins.Select(bin => (double)bin.To)],
            LogarithmicX = bins[0].From > 0 && bins.Select(bin => bin.To - bin.From).Distinct().Skip(1).Any(),
        };
    }

    private static string Describe(string stage, string title, List<ChartSeries> series)
    {
        // A source may have no row in the first or the last step.
        var lines = series.Select(s => string.Create(CultureInfo.InvariantCulture,
            $"{s.Name} from {s.Y.FirstOrDefault(double.IsFinite, double.NaN):G4} to {s.Y.LastOrDefault(double.IsFinite, double.NaN):G4}"));
        return string.Create(CultureInfo.InvariantCulture, $"{title} of stage {stage} over {NumberText.Count(series[0].X.Count, "step")}: {string.Join(", ", lines)}.");
    }
}
