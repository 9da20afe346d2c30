using Tulu2.Evaluation.Resampling;
using Tulu2.Evaluation.Results;
using Tulu2.Evaluation.Summaries;
using Tulu2.Files;

namespace Tulu2.Evaluation.Reporting.Evaluations;

/// <summary>
/// The evaluation as JSON. Scores are in the benchmark's unit, as in <c>result.json</c>; <c>points</c>, intervals, averages, differences and all numbers of tables are as
/// printed: per cent, or of 10.
/// </summary>
public static class EvaluationJson
{
    public static object Of(EvaluationSummary summary) => new
    {
        summary.Bootstrap.Resamples,
        summary.Bootstrap.Seed,
        Models = summary.Models.Select(Model),
        Comparisons = summary.Pairs.Select(Pair),
        Checkpoints = CheckpointTables.Series(summary.Models).Select(series => new
        {
            series.Model,
            series.Name,
            Points = series.Points.Select(point => new { point.Step, point.Value }),
        }),
        Tables = summary.Tables.Select(Table),
    };

    public static object Of(Leaderboard leaderboard) => new
    {
        leaderboard.Averaged,
        Models = leaderboard.Entries.Select(entry => new
        {
            entry.Place,
            entry.Best,
            entry.Worst,
            entry.Model.Name,
            entry.Model.Model.Directory,
            Average = Average(entry.Average),
            Tasks = entry.Model.Tasks.Select(Task),
        }),
        Table = Table(leaderboard.Table),
    };

    private static object Model(ModelStanding model) => new
    {
        model.Name,
        model.Model.Directory,
        model.Model.Step,
        model.Model.Traits,
        Averages = new { Seven = Average(model.Seven), Eight = Average(model.Eight) },
        Tasks = model.Tasks.Select(Task),
    };

    private static object Average(AverageStanding average) => new { average.Value, average.Interval?.Low, average.Interval?.High, average.Missing };

    private static object Task(TaskStanding task)
    {
        var result = task.Result;
        return new
        {
            result.Task,
            Column = task.Column is null ? null : JsonLine.Options.PropertyNamingPolicy!.ConvertName(task.Column.Column.ToString()),
            result.Score,
            result.StandardError,
            task.Points,
            task.Interval?.Low,
            task.Interval?.High,
            Unit = result.Unit.Name,
            result.IsLowerBetter,
            result.Items,
            Mode = result.Mode.ToString().ToLowerInvariant(),
            result.Chat,
            result.Shots,
            result.Limit,
            result.Judges,
            Averaged = task.Counts,
            task.Reservations,
            result.Withheld,
            result.MeanLength,
            result.Metrics,
            Datasets = result.Datasets.Select(part => Part(result, part)),
        };
    }

    private static object Part(TaskResult result, DatasetResult part) =>
        new { part.Name, part.Items, part.Score, part.StandardError, Points = part.Score * result.Unit.Scale, part.Metrics };

    private static object Pair(ModelPair pair) => new
    {
        First = pair.First.Name,
        Second = pair.Second.Name,
        Relation = pair.Relation switch
        {
            PairRelation.Preferences => "dpo_against_sft",
            PairRelation.Mixture => "v2_against_v1",
            PairRelation.Quantized => "full_against_qlora",
            _ => null,
        },
        Average = pair.Average is { } average ? Difference(average) : null,
        Tasks = pair.Tasks.Select(task => new { task.Task, task.Items, Difference = Difference(task.Difference), task.Test?.P, Test = task.Test?.Name, task.Why }),
    };

    private static object Difference(PairedDifference difference) =>
        new { difference.First, difference.Second, difference.Value, Low = Low(difference.Interval), High = High(difference.Interval) };

    private static double? Low(Interval? interval) => interval?.Low;

    private static double? High(Interval? interval) => interval?.High;

    private static object Table(ReportTable table) => new
    {
        table.Id,
        table.Heading,
        table.Columns,
        Rows = table.Rows.Select(row => new
        {
            row.Name,
            Origin = row.Origin.ToString().ToLowerInvariant(),
            Cells = row.Cells.Select(cell => new { cell.Text, cell.Value, Low = Low(cell.Interval), High = High(cell.Interval), cell.Mark }),
        }),
        table.Notes,
    };
}
