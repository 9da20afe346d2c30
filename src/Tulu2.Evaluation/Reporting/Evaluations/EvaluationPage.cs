using Tulu2.Evaluation.Summaries;
using Tulu2.Files;

namespace Tulu2.Evaluation.Reporting.Evaluations;

/// <summary>The evaluation of models as a self-contained page, or as parts of a run's page.</summary>
public static class EvaluationPage
{
    /// <summary>Items of a task that a page shows, unless told otherwise.</summary>
    public const int MostItems = 200;

    /// <summary>A page of its own.</summary>
    public static string Render(EvaluationSummary summary, int mostItems = MostItems) => Html.Page(
        summary.Models.Count == 1 ? $"Evaluation of {summary.Models[0].Name}" : "Models evaluated", Subtitle(summary.Models), [], Parts(summary, mostItems));

    /// <summary>The sections of the evaluation, for a page about runs.</summary>
    public static PageParts Parts(EvaluationSummary summary, int mostItems = MostItems) => Parts(
    [
        .. summary.Tables.Where(table => !table.IsDetail && table.Rows.Count > 0).Select(TableHtml.Section), .. EvaluationCharts.Sections(summary.Models),
        .. summary.Tables.Where(table => table.IsDetail).Select(TableHtml.Section), .. new ItemCards(mostItems).Sections(summary.Models),
    ]);

    /// <summary>A page that ranks models.</summary>
    public static string Render(Leaderboard leaderboard) => Html.Page(
        "Leaderboard", NumberText.Count(leaderboard.Entries.Count, "model"), [], Parts([TableHtml.Section(leaderboard.Table)]));

    private static PageParts Parts(IReadOnlyList<string> sections) => new(sections) { Css = EvaluationStyle.Css, Script = EvaluationScript.Text };

    private static string Subtitle(IReadOnlyList<ModelStanding> models) =>
        string.Join("; ", models.Select(model => $"<span>{TableHtml.Name(model.Name)}: {NumberText.Count(model.Tasks.Count, "task")}</span>"));
}
