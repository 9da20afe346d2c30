using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Paper;
using Tulu2.Evaluation.Resampling;

namespace Tulu2.Evaluation.Summaries;

/// <summary>Ours beside the paper's tables, in the same columns and averages. A number by another judge than a column's stands in a column of its own.</summary>
internal static class PaperComparison
{
    public const string Ours = "ours", Verified = "paper", Unverified = "paper (unverified)";
    private const string OffMark = "≠";

    /// <summary>The tables that a model of ours has a number for, in a column of the paper's.</summary>
    public static IEnumerable<ReportTable> Tables(IReadOnlyList<ModelStanding> models) =>
        PaperTables.All.Select(table => Table(table, models)).OfType<ReportTable>().Concat(CategoriesByOthers(models));

    private static ReportTable? Table(PaperTable table, IReadOnlyList<ModelStanding> models)
    {
        var notes = new Footnotes();
        var others = OtherJudges(table, models);
        var rows = models.SelectMany(model => OurRows(table, model, others, notes)).ToList();
        if (rows.Count == 0) return null;
        string[] averages = table.Averaged.Count == 0 ? [] : ["Average", "Average as printed"];
        var printed = table.Rows.Select(row => PaperLine(table, row, others.Count));
        var off = table.Rows.Where(row => row.IsAverageOff(table.Averaged))
            .Select(row => $"[{OffMark}] {row.Name}: the printed average does not follow from the printed numbers; one of them is misremembered or misprinted.");
        return new ReportTable($"table-{table.Number}", table.Heading,
            ["Model", "From", .. table.Columns.Select(column => column.Name), .. averages, .. others.Select(other => $"{other.Column.Name}, judged by {other.Judge}")],
            [.. rows, .. printed])
        {
            Notes = [.. notes.Lines, .. off, .. table.Notes, .. CertaintyNotes(table)],
        };
    }

    private static IEnumerable<string> CertaintyNotes(PaperTable table)
    {
        var tags = table.Rows.SelectMany(row => row.Numbers.Values.Append(row.Average)).Select(number => number?.Tag).OfType<string>().ToHashSet();
        string[] told =
        [
            .. tags.Contains("S") ? ["[S] stated in the paper's summary"] : Array.Empty<string>(),
            .. tags.Contains("H") ? ["[H] on the model's card"] : Array.Empty<string>(),
            .. tags.Contains("C") ? ["[C] in public code or data"] : Array.Empty<string>(),
        ];
        var rest = table.Rows.Any(row => !row.IsVerified) ? "; numbers of the paper without a letter are unverified" : "";
        if (told.Length > 0) yield return string.Join(", ", told) + rest + ".";
    }

    private static IReadOnlyList<(PaperMeasure.Score Column, string Judge)> OtherJudges(PaperTable table, IReadOnlyList<ModelStanding> models) =>
    [
        .. from column in table.Columns.OfType<PaperMeasure.Score>()
           from judge in models.SelectMany(model => model.Tasks).Where(task => task.IsOtherJudge && task.Result.Column == column.Column).Select(JudgeOf).Distinct()
           select (column, judge),
    ];

    private static string JudgeOf(TaskStanding task) => task.Judge ?? "an unknown judge";

    private static IEnumerable<TableRow> OurRows(PaperTable table, ModelStanding model, IReadOnlyList<(PaperMeasure.Score Column, string Judge)> others, Footnotes notes)
    {
        var cells = table.Columns.Select(column => OursIn(column, model, notes)).ToList();
        var judged = others.Select(other => model.Tasks.FirstOrDefault(task => task.IsOtherJudge && task.Result.Column == other.Column.Column && JudgeOf(task) == other.Judge))
            .Select(task => task is null ? TableCell.None : ScoreCell(model, task, notes)).ToList();
        if (cells.Concat(judged).All(cell => cell == TableCell.None)) yield break;
        var average = model.Average(table.Averaged);
        yield return new TableRow(model.Name, RowOrigin.Ours, [new TableCell(Ours), .. cells, .. Averages(model, average, notes), .. judged]);
        if (PaperModels.Match(table, model.Name, model.Model.Traits) is { } row && Difference(table, model, average, row, others.Count) is { } difference) yield return difference;
    }

    private static IEnumerable<TableCell> Averages(ModelStanding model, AverageStanding? average, Footnotes notes) => average switch
    {
        null => [],
        { Value: { } value } => [TableCell.Of(value, 1, average.Interval), TableCell.None],
        _ => [TableCell.None with { Mark = notes.Mark($"{model.Name}: no average, as no number that counts stands in {string.Join(", ", average.Missing)}") }, TableCell.None],
    };

    private static TableCell OursIn(PaperMeasure measure, ModelStanding model, Footnotes notes) => measure switch
    {
        PaperMeasure.Score score => model.In(score.Column) is { } task ? ScoreCell(model, task, notes) : TableCell.None,
        PaperMeasure.Length => model.Tasks.FirstOrDefault(task => task.Result.Column == PaperColumn.AlpacaEval) is { Result.MeanLength: { } length } task
            ? TableCell.Of(length, 0, mark: notes.Marks(task.Reservations.Select(text => $"{model.Name}: {text}"))) : TableCell.None,
        PaperMeasure.Category category => model.In(PaperColumn.MtBench) is { } task ? CategoryCell(task, category.Of) : TableCell.None,
        _ => TableCell.None,
    };

    /// <summary>A score with its interval, and why it does not count.</summary>
    public static TableCell ScoreCell(ModelStanding model, TaskStanding task, Footnotes notes)
    {
        if (task.Result.Withheld is { } why) return new TableCell("withheld") { Mark = notes.Mark($"{model.Name}, {task.Result.Task}: withheld: {why}") };
        if (task.Points is not { } points) return TableCell.None;
        var remark = task.Column is { } column ? PaperJudges.Remark(column.Column, task.Result.Judges.Values) : null;
        return TableCell.Of(points, task.Digits, task.Interval,
            notes.Marks([.. task.Reservations.Select(text => $"{text}: enters no average of the paper's"), .. remark is null ? Array.Empty<string>() : [remark]]));
    }

    // Of a part there is the standard error alone.
    private static TableCell CategoryCell(TaskStanding task, string category)
    {
        var scale = task.Result.Unit.Scale;
        if (task.Result.Datasets.FirstOrDefault(part => string.Equals(part.Name, category, StringComparison.OrdinalIgnoreCase)) is { } part)
            return TableCell.Of(part.Score * scale, 2, part.StandardError > 0 ? Interval.Of(part.Score * scale, part.StandardError * scale, task.Result.Unit.Range) : null);
        return task.Result.Metrics.TryGetValue(category, out var value) ? TableCell.Of(value, 2) : TableCell.None;
    }

    private static TableRow? Difference(PaperTable table, ModelStanding model, AverageStanding? average, PaperRow row, int others)
    {
        var cells = table.Columns.Select(column => column is PaperMeasure.Score score && model.In(score.Column) is { Counts: true } task && row[column] is { } printed
            ? TableCell.Signed(task.Points!.Value - printed.Value, column.Digits) : TableCell.None).ToList();
        if (cells.All(cell => cell == TableCell.None)) return null;
        TableCell[] averages = average is null ? []
            : [average.Value is { } ours && row.Computed(table.Averaged) is { } theirs ? TableCell.Signed(ours - theirs, 1) : TableCell.None, TableCell.None];
        return new TableRow($"{model.Name} less the paper's {row.Name}", RowOrigin.Difference, [new TableCell("difference"), .. cells, .. averages, .. Enumerable.Repeat(TableCell.None, others)]);
    }

    private static TableRow PaperLine(PaperTable table, PaperRow row, int others)
    {
        TableCell[] averages = table.Averaged.Count == 0 ? [] :
        [
            row.Computed(table.Averaged) is { } computed ? TableCell.Of(computed, 1) : TableCell.None,
            row.Average is { } average ? TableCell.Of(average.Value, 1, mark: row.IsAverageOff(table.Averaged) ? OffMark : average.Tag) : TableCell.None,
        ];
        return new TableRow(row.Name, RowOrigin.Paper,
        [
            new TableCell(row.IsVerified ? Verified : Unverified),
            .. table.Columns.Select(column => row[column] is not { } number ? TableCell.None
                : column is PaperMeasure.Gap ? TableCell.Signed(number.Value, column.Digits, mark: number.Tag) : TableCell.Of(number.Value, column.Digits, mark: number.Tag)),
            .. averages, .. Enumerable.Repeat(TableCell.None, others),
        ]);
    }

    // Categories as another judge than the paper's sees them.
    private static IEnumerable<ReportTable> CategoriesByOthers(IReadOnlyList<ModelStanding> models)
    {
        var judged = from model in models from task in model.Tasks where task.IsOtherJudge && task.Result.Column == PaperColumn.MtBench select (Model: model, Task: task);
        foreach (var (index, group) in judged.GroupBy(pair => JudgeOf(pair.Task)).Index())
        {
            var rows = group.Select(pair => new TableRow(pair.Model.Name, RowOrigin.Ours, [.. PaperColumns.Categories.Select(category => CategoryCell(pair.Task, category.Of))]))
                .Where(row => row.Cells.Any(cell => cell != TableCell.None)).ToList();
            if (rows.Count > 0)
                yield return new ReportTable($"categories-{index + 1}", $"MT-Bench by category, judged by {group.Key}", ["Model", .. PaperColumns.Categories.Select(category => category.Name)], rows)
                {
                    Notes = ["Not GPT-4's grades, so that these stand beside none of the paper's. Intervals are from standard errors."],
                };
        }
    }
}
