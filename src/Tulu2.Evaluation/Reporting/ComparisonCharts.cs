using System.Globalization;
using Tulu2.Files;

namespace Tulu2.Evaluation.Reporting;

/// <summary>Curves of several runs in one chart, a colour each.</summary>
internal static class ComparisonCharts
{
    /// <summary>Curves of losses are smoothed, with the loss of each step behind them.</summary>
    public static bool AreSmoothed(IReadOnlyList<ComparedRun> runs) => runs.All(run => run.Steps.Count >= Smoothing.FewestPoints);

    public static IEnumerable<ChartSpec> Of(IReadOnlyList<ComparedRun> runs)
    {
        var isSmoothed = AreSmoothed(runs);
        yield return Loss("loss-steps", "Loss by step", "step", run => [.. run.Steps.Select(step => (double)step.Step)]);
        yield return Loss("loss-time", "Loss by time", "seconds", Elapsed);
        if (runs.Any(run => run.Validations.Count > 0)) yield return Validation(runs);

        ChartSpec Loss(string id, string name, string axis, Func<ComparedRun, IReadOnlyList<double>> x)
        {
            List<ChartSeries> series =
                [.. runs.Select((run, color) => new ChartSeries(run.Name, x(run), [.. run.Steps.Select(step => step.Loss)], color))];
            var spec = new ChartSpec(id, name, Describe(name, series), axis, series) { OffersLogarithm = series.Any(line => line.Y.Any(loss => loss > 0)) };
            // All faint lines are behind all smoothed ones.
            return isSmoothed ? spec with { Series = [.. series.Select(line => line with { Name = "", Light = true }), .. series.Select(Smoothed)] } : spec;
        }
    }

    private static ChartSpec Validation(IReadOnlyList<ComparedRun> runs)
    {
        List<ChartSeries> series =
        [
            .. runs.Index().Where(run => run.Item.Validations.Count > 0).Select(run => new ChartSeries(run.Item.Name,
                [.. run.Item.Validations.Select(validation => (double)validation.Step)], [.. run.Item.Validations.Select(ComparedRun.LossOf)], run.Index)),
        ];
        return new ChartSpec("loss-validation", "Validation loss by step", Describe("Validation loss", series), "step", series);
    }

    private static ChartSeries Smoothed(ChartSeries line) => line with { Y = Smoothing.Of(line.Y, Smoothing.Constant(line.Y.Count)) };

    // Time of the steps up to each one, without what is between sessions.
    private static IReadOnlyList<double> Elapsed(ComparedRun run)
    {
        var elapsed = new double[run.Steps.Count];
        var sum = 0.0;
        for (var i = 0; i < elapsed.Length; i++) elapsed[i] = sum += run.Steps[i].Seconds;
        return elapsed;
    }

    private static string Describe(string title, List<ChartSeries> series)
    {
        var lines = series.Select(line => string.Create(CultureInfo.InvariantCulture,
            $"{line.Name} from {line.Y.FirstOrDefault(double.IsFinite, double.NaN):G4} to {line.Y.LastOrDefault(double.IsFinite, double.NaN):G4}")
            + $" in {NumberText.Count(line.X.Count, "point")}");
        return $"{title}: {string.Join("; ", lines)}.";
    }
}
