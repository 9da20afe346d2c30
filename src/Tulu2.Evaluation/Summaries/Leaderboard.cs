using Tulu2.Evaluation.Paper;
using Tulu2.Evaluation.Resampling;
using Tulu2.Files;

namespace Tulu2.Evaluation.Summaries;

/// <summary>A model's place.</summary>
/// <param name="Average">Over the leaderboard's tasks; its value is null where there are none.</param>
/// <param name="Place">From 1, by the average.</param>
/// <param name="Best">The place that it may have: one more than the number of models that are better for certain, by a paired interval of 95 %.</param>
/// <param name="Worst">The same from below.</param>
public sealed record LeaderboardEntry(ModelStanding Model, AverageStanding Average, int Place, int Best, int Worst)
{
    public string Rank => Best == Worst ? $"{Place}" : $"{Best}–{Worst}";
}

/// <summary>Many models, ranked by the average of the tasks that all of them were scored on in the same way.</summary>
/// <param name="Averaged">Names of those tasks; empty: there is none, and the order is that of names.</param>
public sealed record Leaderboard(IReadOnlyList<LeaderboardEntry> Entries, IReadOnlyList<string> Averaged, ReportTable Table)
{
    /// <param name="models">At least one.</param>
    public static Leaderboard Of(IReadOnlyList<ModelResults> models, Bootstrap bootstrap)
    {
        var standings = models.Select(model => ModelStanding.Of(model, bootstrap)).ToList();
        var averaged = AveragedOf(standings);
        var ordered = standings.Select(model => (Model: model, Average: averaged.Count == 0 ? new AverageStanding(null, []) : AverageStanding.Of([.. averaged.Select(task => model.Named(task)!)])))
            .OrderByDescending(entry => entry.Average.Value ?? 0).ThenBy(entry => entry.Model.Name, StringComparer.Ordinal).ToList();
        var entries = ordered.Select((entry, index) => new LeaderboardEntry(entry.Model, entry.Average, index + 1,
            1 + ordered.Count(other => IsBetter(other.Average, entry.Average)), ordered.Count - ordered.Count(other => IsBetter(entry.Average, other.Average)))).ToList();
        return new Leaderboard(entries, averaged, TableOf(entries, averaged));
    }

    // Where nothing is known of the draws, the averages alone decide.
    private static bool IsBetter(AverageStanding one, AverageStanding other) => one.Less(other) is { } interval ? interval.Low > 0 : one.Value > other.Value;

    // The paper's seven where all have them; else what all have, without grades that are no per cents.
    private static IReadOnlyList<string> AveragedOf(List<ModelStanding> models)
    {
        var alike = models[0].Tasks.Where(task => task.Points is not null && models.All(model => model.Named(task.Result.Task) is { Points: not null } other
            && TaskStanding.AreAlike(task.Result, other.Result) && task.Result.Limit == other.Result.Limit)).ToList();
        if (models.All(model => model.Seven.Value is not null) && alike.Count(task => IsOfSeven(task)) == PaperColumns.Seven.Count)
            return [.. alike.Where(IsOfSeven).Select(task => task.Result.Task)];
        var shares = alike.Where(task => task.Result.Unit.Scale == 100).ToList();
        return [.. (shares.Count > 0 || alike.Select(task => task.Result.Unit).Distinct().Count() > 1 ? shares : alike).Select(task => task.Result.Task)];
    }

    private static bool IsOfSeven(TaskStanding task) => PaperColumns.Seven.Any(column => column == task.Column);

    private static ReportTable TableOf(IReadOnlyList<LeaderboardEntry> entries, IReadOnlyList<string> averaged)
    {
        var notes = new Footnotes();
        var columns = entries.SelectMany(entry => entry.Model.Tasks).GroupBy(KeyOf)
            .OrderBy(column => column.First().Result.Column is { } paper ? (int)paper : PaperColumns.Scores.Count).ThenBy(column => column.Key.Task, StringComparer.Ordinal)
            .ThenBy(column => column.Key.Judge, StringComparer.Ordinal).ToList();
        var rows = entries.Select(entry => new TableRow(entry.Model.Name, RowOrigin.Ours,
        [
            entry.Average.Value is null ? TableCell.None : new TableCell(entry.Rank, entry.Place),
            entry.Average.Value is { } average ? TableCell.Of(average, 1, entry.Average.Interval) : TableCell.None,
            .. columns.Select(column => entry.Model.Tasks.FirstOrDefault(task => KeyOf(task) == column.Key) is { } task
                ? PaperComparison.ScoreCell(entry.Model, task, notes) : TableCell.None),
        ]));
        return new ReportTable("leaderboard", "Leaderboard", ["Model", "Rank", "Average", .. columns.Select(column => Heading(column.First()))], [.. rows])
        {
            Notes =
            [
                averaged.Count == 0 ? "There is no task that all models were scored on in the same way, so that there is no ranking."
                    : $"Average and rank over {NumberText.Count(averaged.Count, "task")} that all models were scored on in the same way: {string.Join(", ", averaged)}. "
                        + "Where less is better, 100 less the score counts.",
                "A rank such as 1–3 says that the model's average differs from its neighbours' by no more than a new draw of items may (95 %, paired bootstrap): those are ties.",
                .. notes.Lines,
            ],
            IsSortable = true,
        };
    }

    // The paper's own judges share a column, with those scores that are withheld.
    private static (string Task, string? Judge) KeyOf(TaskStanding task) => (task.Result.Task, task.IsOtherJudge ? task.Judge ?? "an unknown judge" : null);

    private static string Heading(TaskStanding task) => task.Result.Task + (task.Result.IsLowerBetter ? " ↓" : "")
        + (task.IsOtherJudge && task.Judge is { } judge ? $", judged by {judge}" : "");
}
