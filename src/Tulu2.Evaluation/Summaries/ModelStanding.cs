using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Paper;
using Tulu2.Evaluation.Resampling;

namespace Tulu2.Evaluation.Summaries;

/// <summary>A model with what may be said of its results.</summary>
/// <param name="Tasks">By name, in ordinal order.</param>
public sealed record ModelStanding(ModelResults Model, IReadOnlyList<TaskStanding> Tasks)
{
    public string Name => Model.Name;

    /// <summary>Average of Tables 1 and 3.</summary>
    public AverageStanding Seven { get; } = AverageStanding.Of(PaperColumns.Seven, Tasks);

    /// <summary>Average of Table 2 and the other ablations.</summary>
    public AverageStanding Eight { get; } = AverageStanding.Of(PaperColumns.Eight, Tasks);

    public static ModelStanding Of(ModelResults model, Bootstrap bootstrap) => new(model,
        [.. model.Tasks.OrderBy(task => task.Result.Task, StringComparer.Ordinal).Select(task => TaskStanding.Of(task, bootstrap))]);

    /// <summary>The average that a table of the paper has; null: it has none.</summary>
    public AverageStanding? Average(IReadOnlyList<PaperMeasure.Score> averaged) => averaged.Count switch
    {
        7 => Seven,
        8 => Eight,
        _ => null,
    };

    /// <summary>What stands in a column of the paper; null: nothing.</summary>
    public TaskStanding? In(PaperColumn column) => Tasks.FirstOrDefault(task => task.Column?.Column == column);

    public TaskStanding? Named(string task) => Tasks.FirstOrDefault(standing => standing.Result.Task == task);
}

/// <summary>A mean of several tasks, in points, of which more is better.</summary>
/// <param name="Value">Null: one of its numbers is missing.</param>
/// <param name="Missing">Names of the columns without a number that counts.</param>
public sealed record AverageStanding(double? Value, IReadOnlyList<string> Missing)
{
    /// <summary>Averages of new draws of all tasks' items; null: not known.</summary>
    public double[]? Resampled { get; init; }

    /// <summary>Of a new draw of all tasks' items; null: not known.</summary>
    public double? StandardError { get; init; }

    public Interval? Interval => Resampled is not null ? Interval.Of(Resampled) : Value is { } value && StandardError is { } error ? Interval.Of(value, error) : null;

    /// <summary>The interval of this average less another; null: not known.</summary>
    public Interval? Less(AverageStanding other)
    {
        if (PairedDifference.Between(other.Resampled, Resampled) is { } paired) return paired;
        // Without common draws the two are taken as independent, which makes the interval rather too wide.
        return Value is { } one && other.Value is { } two && StandardError is { } a && other.StandardError is { } b ? Interval.Of(one - two, Math.Sqrt(a * a + b * b)) : null;
    }

    /// <summary>An average of the paper's columns.</summary>
    public static AverageStanding Of(IReadOnlyList<PaperMeasure.Score> columns, IReadOnlyList<TaskStanding> tasks)
    {
        var found = columns.Select(column => tasks.FirstOrDefault(task => task.Column == column && task.Counts)).ToList();
        var missing = columns.Zip(found).Where(pair => pair.Second is null).Select(pair => pair.First.Name.Split(' ')[0]).ToList();
        return missing.Count > 0 ? new AverageStanding(null, missing) : Of(found!);
    }

    /// <summary>The mean of tasks; of those where a lower score is better, 100 less the score.</summary>
    /// <param name="tasks">At least one, each with points.</param>
    public static AverageStanding Of(IReadOnlyList<TaskStanding> tasks) => new(tasks.Average(task => Better(task, task.Points!.Value)), [])
    {
        Resampled = tasks.Any(task => task.Resampled is null) ? null
            : [.. Enumerable.Range(0, tasks[0].Resampled!.Length).Select(sample => tasks.Average(task => Better(task, task.Resampled![sample])))],
        StandardError = tasks.Any(task => task.Result.StandardError is null) ? null
            : Math.Sqrt(tasks.Sum(task => Math.Pow(task.Result.StandardError!.Value * task.Result.Unit.Scale, 2))) / tasks.Count,
    };

    private static double Better(TaskStanding task, double points) => task.Result.IsLowerBetter ? task.Result.Unit.Scale - points : points;
}
