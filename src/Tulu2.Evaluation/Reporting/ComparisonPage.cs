using Tulu2.Files;
using Tulu2.Training.Recipes;

namespace Tulu2.Evaluation.Reporting;

/// <summary>A self-contained page that puts runs side by side: what was trained, loss, scores, memory and time.</summary>
public static class ComparisonPage
{
    /// <summary>The most runs that a page shows: as many as there are colours to tell them apart by.</summary>
    public static int MostRuns => SvgChart.SeriesColors.Length;

    /// <param name="runs">At least two.</param>
    /// <param name="evaluations">What was evaluated of them; null: nothing.</param>
    public static string Render(IReadOnlyList<ComparedRun> runs, PageParts? evaluations = null)
    {
        var told = runs.Select(run =>
            $"<span>{Html.Escape(run.Name)}: {NumberText.Count(run.Steps.Count, "step")}, {NumberText.Duration(run.StepSeconds)}</span>");
        return Html.Page("Runs compared", string.Join("; ", told), ComparisonTable.Of(runs).Select(table => Section(table, runs)), evaluations);
    }

    private static string Section(ComparisonTable table, IReadOnlyList<ComparedRun> runs)
    {
        var rows = Html.Table(table.Note, ["", .. runs.Select(run => run.Name)], table.Rows.Select(row => (IReadOnlyList<string>)[row.Name, .. row.Cells]),
            table.IsText ? int.MaxValue : 1, "facts");
        return Html.Section(table.Id, table.Heading, [rows, .. table.Id switch
        {
            "loss" => Curves(runs),
            "trained" => Recipes(runs),
            _ => [],
        }]);
    }

    private static IEnumerable<string> Curves(IReadOnlyList<ComparedRun> runs) =>
    [
        ComparisonCharts.AreSmoothed(runs) ? "<p class=\"note\">Curves are moving averages; the faint ones are each step's.</p>\n" : "",
        "<div class=\"charts\">", .. ComparisonCharts.Of(runs).Select(SvgChart.Render), "</div>",
    ];

    private static IEnumerable<string> Recipes(IReadOnlyList<ComparedRun> runs) =>
        from run in runs where run.Recipe is not null select Html.Details($"the whole recipe of {run.Name}", RecipeWriter.Write(run.Recipe!));
}
