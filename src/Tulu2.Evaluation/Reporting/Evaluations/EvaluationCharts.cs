using System.Globalization;
using Tulu2.Evaluation.Summaries;
using Tulu2.Files;

namespace Tulu2.Evaluation.Reporting.Evaluations;

/// <summary>Each metric over checkpoints, a line for each run.</summary>
internal static class EvaluationCharts
{
    public static IEnumerable<string> Sections(IReadOnlyList<ModelStanding> models)
    {
        var charts = CheckpointTables.Series(models).GroupBy(series => series.Name).Select((group, index) => Chart([.. group], $"checkpoint-{index + 1}", models)).ToList();
        if (charts.Count > 0) yield return Html.Section("over-checkpoints", "Every metric over checkpoints", ["<div class=\"charts\">", .. charts.Select(SvgChart.Render), "</div>"]);
    }

    private static ChartSpec Chart(IReadOnlyList<CheckpointSeries> series, string id, IReadOnlyList<ModelStanding> models)
    {
        List<ChartSeries> lines =
        [
            .. series.Select(one => new ChartSeries(one.Model, [.. one.Points.Select(point => (double)point.Step)], [.. one.Points.Select(point => point.Value)],
                models.Index().First(model => model.Item.Name == one.Model).Index)),
        ];
        var told = series.Select(one => string.Create(CultureInfo.InvariantCulture, $"{one.Model} from {one.Points[0].Value:G4} to {one.Points[^1].Value:G4} in {NumberText.Count(one.Points.Count, "point")}"));
        return new ChartSpec(id, series[0].Name.Replace('_', ' '), $"{series[0].Name} over checkpoints: {string.Join("; ", told)}.", "step", lines);
    }
}
