using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Paper;
using Tulu2.Evaluation.Resampling;
using Tulu2.Evaluation.Results;
using Tulu2.Evaluation.Tasks;
using Tulu2.Files;

namespace Tulu2.Evaluation.Summaries;

/// <summary>A model's result on a task, and what may be said with it. Numbers are in points: the score as it is printed, such as per cent or of 10.</summary>
/// <param name="Items">In the order of <see cref="Bootstrap.Ordered"/>; empty: they were not kept.</param>
public sealed record TaskStanding(TaskResult Result, IReadOnlyList<ItemScore> Items)
{
    /// <summary>Scores of new draws of the items; null: there are none to draw.</summary>
    public double[]? Resampled { get; init; }

    /// <summary>Where 95 of 100 new draws of items would have the score; null: not known.</summary>
    public Interval? Interval { get; init; }

    /// <summary>Null: nothing was scored.</summary>
    public double? Points => Result.Score is { } score && double.IsFinite(score) ? score * Result.Unit.Scale : null;

    public int Digits => Result.Column == PaperColumn.MtBench ? PaperColumns.MtBench.Digits : Result.Unit.Digits;

    /// <summary>Who judged; null: no one did, or it was not recorded.</summary>
    public string? Judge => Result.Judges.Count == 0 ? null : string.Join(", ", Result.Judges.OrderBy(judge => judge.Key, StringComparer.Ordinal).Select(judge => judge.Value).Distinct());

    /// <summary>The paper's column that it stands in; null: none, or another judge than the column's has judged.</summary>
    public PaperMeasure.Score? Column => Result.Column is { } column && (!PaperJudges.IsJudged(column) || IsPapersJudge) ? PaperColumns.Scores.First(score => score.Column == column) : null;

    /// <summary>A column of the paper has such scores, but by another judge.</summary>
    public bool IsOtherJudge => Result.Column is { } column && PaperJudges.IsJudged(column) && !IsPapersJudge;

    /// <summary>How it differs from what the paper's averages are made of; empty: it enters them.</summary>
    public IReadOnlyList<string> Reservations { get; } = [.. ReservationsOf(Result)];

    /// <summary>Enters an average of the paper's columns.</summary>
    public bool Counts => Points is not null && Column is not null && Reservations.Count == 0;

    // A withheld score has no judge, and says in its column why.
    private bool IsPapersJudge => Result.Withheld is not null || PaperJudges.AreOf(Result.Column!.Value, Result.Judges.Values);

    public static TaskStanding Of(TaskItems task, Bootstrap bootstrap)
    {
        var (scale, items) = (task.Result.Unit.Scale, Bootstrap.Ordered(task.Items));
        var benchmark = bootstrap.Benchmark(task.Result.Task);
        var values = benchmark is null || items.Count == 0 || task.Result.Score is not { } known || !double.IsFinite(known) ? null : bootstrap.Values(benchmark, items)?.Select(value => value * scale).ToArray();
        return new TaskStanding(task.Result, items)
        {
            Resampled = values,
            Interval = values is not null ? Interval.Of(values)
                : task.Result is { Score: { } score, StandardError: > 0 and { } error } ? Interval.Of(score * scale, error * scale, task.Result.Unit.Range) : null,
        };
    }

    /// <summary>Whether two results were made in the same way, so that their difference is one of models.</summary>
    public static bool AreAlike(TaskResult one, TaskResult other) => (one.Task, one.Mode, one.Chat, one.Shots) == (other.Task, other.Mode, other.Chat, other.Shots)
        && one.Judges.Count == other.Judges.Count && one.Judges.All(judge => other.Judges.GetValueOrDefault(judge.Key) == judge.Value);

    private static IEnumerable<string> ReservationsOf(TaskResult result)
    {
        if (result.Limit is { } limit) yield return $"part of the items (--limit {limit})";
        if (result.Missing is { } missing) yield return $"without {NumberText.Count(missing, "item")} of its authors' files";
        if (result.Mode == EvaluationMode.Fixed) yield return "mode fixed, while the paper's numbers are parity";
        if (result.Chat is { } chat) yield return chat ? "asked for in the chat template" : "asked for without the chat template";
        if (result.Column == PaperColumn.CodexEval && result.Metrics.ContainsKey("pass@1") && !result.Metrics.ContainsKey("pass@10")) yield return "pass@1, as there are fewer than ten samples of a program";
        if (result.Shots is { } shots) yield return $"asked for with {shots} examples";
    }
}
