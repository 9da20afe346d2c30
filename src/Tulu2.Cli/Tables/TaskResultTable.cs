using Spectre.Console;
using Tulu2.Evaluation.Results;

namespace Tulu2.Cli.Tables;

/// <summary>The scores of one model on benchmarks, and who judged.</summary>
internal static class TaskResultTable
{
    public static Table Of(IReadOnlyList<TaskResult> results)
    {
        var isJudged = results.Any(result => result.Judges.Count > 0);
        var shown = new Table().AddColumns(["task", "items", "score", "± standard error", .. isJudged ? new[] { "judge" } : [], "also"]);
        foreach (var result in results)
        {
            string[] cells =
            [
                result.Task, $"{result.Items}", result.Score is { } score ? result.Unit.Text(score) : $"withheld: {result.Withheld}",
                result.StandardError is { } error ? result.Unit.Text(error) : "",
                .. isJudged ? new[] { string.Join(", ", result.Judges.Values.Distinct()) } : [],
                string.Join(", ", result.Metrics.Select(metric => $"{metric.Key} {metric.Value:0.####}")),
            ];
            shown.AddRow([.. cells.Select(Markup.Escape)]);
        }
        return shown;
    }
}
