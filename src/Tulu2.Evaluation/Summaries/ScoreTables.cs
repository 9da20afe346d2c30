using Tulu2.Evaluation.Paper;
using Tulu2.Evaluation.Resampling;
using Tulu2.Evaluation.Results;
using Tulu2.Files;

namespace Tulu2.Evaluation.Summaries;

/// <summary>Our scores by task, with what belongs to them: lengths of outputs, further figures, parts.</summary>
internal static class ScoreTables
{
    /// <summary>All tasks; those that different judges have judged have a row for each.</summary>
    public static ReportTable Scores(IReadOnlyList<ModelStanding> models)
    {
        var notes = new Footnotes();
        var rows = from standing in models.SelectMany(model => model.Tasks.Select(task => (Model: model, Task: task)))
                   group standing by (standing.Task.Result.Task, Judge: JudgeOf(standing.Task, models)) into row
                   orderby Place(row.First().Task.Result), row.Key.Task, row.Key.Judge
                   let unit = row.First().Task.Result.Unit.Name + (row.First().Task.Result.IsLowerBetter ? ", lower is better" : "")
                   let items = row.Max(standing => standing.Task.Result.Items)
                   select new TableRow(row.Key.Task, RowOrigin.Ours,
                   [
                       .. models.Select(model => row.FirstOrDefault(standing => standing.Model == model) is { Task: { } task } ? PaperComparison.ScoreCell(model, task, notes) : TableCell.None),
                       new TableCell(unit), new TableCell(NumberText.Count(items), items), new TableCell(row.Key.Judge ?? TableCell.Dash),
                   ]);
        return new ReportTable("scores", "Scores", ["Task", .. models.Select(model => model.Name), "Unit", "Items", "Judge"], [.. rows])
        {
            Notes = [.. notes.Lines, "In brackets or below a score: where 95 of 100 new draws of the items would have it, by bootstrap, or by the standard error where the items were not kept."],
        };
    }

    // A withheld score stands with the others of its task.
    private static string? JudgeOf(TaskStanding task, IReadOnlyList<ModelStanding> models) => task.Result.Withheld is null ? task.Judge
        : models.Select(model => model.Named(task.Result.Task)).Where(other => other is { Result.Withheld: null }).OrderBy(other => other!.IsOtherJudge).FirstOrDefault()?.Judge;

    /// <summary>How long the outputs are: a judge prefers long ones.</summary>
    public static IEnumerable<ReportTable> Lengths(IReadOnlyList<ModelStanding> models)
    {
        var tasks = Tasks(models).Where(task => models.Any(model => model.Named(task)?.Result.MeanLength is not null)).ToList();
        if (tasks.Count == 0) yield break;
        yield return new ReportTable("lengths", "Output lengths", ["Task", .. models.Select(model => model.Name)],
            [.. tasks.Select(task => new TableRow(task, RowOrigin.Ours,
                [.. models.Select(model => model.Named(task)?.Result.MeanLength is { } length ? TableCell.Of(length, 0) : TableCell.None)]))])
        {
            Notes = ["Mean number of characters (UTF-16 units) of a model's outputs."],
        };
    }

    /// <summary>What else tasks report.</summary>
    public static IEnumerable<ReportTable> Further(IReadOnlyList<ModelStanding> models)
    {
        var rows = (from task in Tasks(models)
                    from name in models.SelectMany(model => model.Named(task)?.Result.Metrics.Keys ?? []).Distinct().Order(StringComparer.Ordinal)
                    select new TableRow($"{task}: {name}", RowOrigin.Ours,
                        [.. models.Select(model => model.Named(task)?.Result.Metrics.TryGetValue(name, out var value) == true ? Figure(value) : TableCell.None)])).ToList();
        if (rows.Count > 0) yield return new ReportTable("further", "Further figures", ["Figure", .. models.Select(model => model.Name)], rows) { IsDetail = true };
    }

    /// <summary>Scores of the parts of a task.</summary>
    public static IEnumerable<ReportTable> Parts(IReadOnlyList<ModelStanding> models) =>
        from task in Tasks(models)
        let parts = models.SelectMany(model => model.Named(task)?.Result.Datasets ?? []).Select(part => part.Name).Distinct().Order(StringComparer.Ordinal).ToList()
        where parts.Count > 0
        select new ReportTable($"parts-{task.Replace('_', '-')}", $"Parts of {task}", ["Part", .. models.Select(model => model.Name), "Items"],
        [
            .. parts.Select(part => new TableRow(part, RowOrigin.Ours,
            [
                .. models.Select(model => Part(model, task, part) is { } score ? PartCell(model.Named(task)!, score) : TableCell.None),
                ItemsOf(models.Max(model => Part(model, task, part)?.Items ?? 0)),
            ])),
        ])
        {
            Notes = ["Intervals are from standard errors."],
            IsDetail = true,
        };

    private static DatasetResult? Part(ModelStanding model, string task, string name) => model.Named(task)?.Result.Datasets.FirstOrDefault(part => part.Name == name);

    private static TableCell ItemsOf(int items) => new(NumberText.Count(items), items);

    private static TableCell PartCell(TaskStanding task, DatasetResult part)
    {
        var scale = task.Result.Unit.Scale;
        return TableCell.Of(part.Score * scale, task.Digits, part.StandardError > 0 ? Interval.Of(part.Score * scale, part.StandardError * scale, task.Result.Unit.Range) : null);
    }

    // Shares, rates of 100, lengths and counts: as many decimals as tell something.
    private static TableCell Figure(double value) => TableCell.Of(value, value == Math.Round(value) ? 0 : Math.Abs(value) < 10 ? 3 : 1);

    private static IEnumerable<string> Tasks(IReadOnlyList<ModelStanding> models) =>
        models.SelectMany(model => model.Tasks).Select(task => task.Result).DistinctBy(result => result.Task).OrderBy(Place).ThenBy(result => result.Task, StringComparer.Ordinal).Select(result => result.Task);

    // The paper's order, then the rest.
    internal static int Place(TaskResult result) => result.Column is { } column ? (int)column : PaperColumns.Scores.Count;
}
