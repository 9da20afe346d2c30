using FsCheck.Xunit;
using Tulu2.Evaluation.Reporting;
using Tulu2.Evaluation.Scoring;
using Tulu2.Evaluation.Tasks;
using Xunit;

namespace Tulu2.Tests.Evaluation.Scoring;

public class EvaluationTableTests
{
    [Fact]
    public void Outcomes_add_up_per_model_and_dataset()
    {
        var table = new EvaluationTable();
        table.Add("sft", "exact_match", Outcome("a", ("sort", 4, 3), ("add", 6, 2)));
        table.Add("sft", "exact_match", Outcome("b", ("add", 10, 5)));
        table.Add("dpo", "preference", Outcome("c", ("pairs", 8, 7)));
        Assert.Equal(
            [
                new ReportScore("sft", "exact_match", "", 20, 10), new ReportScore("sft", "exact_match", "add", 16, 7),
                new ReportScore("sft", "exact_match", "sort", 4, 3), new ReportScore("dpo", "preference", "", 8, 7),
            ],
            table.Scores());
        Assert.Equal(0.5, table.Share("sft", "exact_match"));
        Assert.Null(table.Share("dpo", "exact_match"));
    }

    [Fact]
    public void A_task_counts_once()
    {
        var table = new EvaluationTable();
        table.Add("sft", "exact_match", Outcome("a", ("add", 1, 1)));
        Assert.Throws<ArgumentException>(() => table.Add("sft", "exact_match", Outcome("a", ("add", 1, 1))));
    }

    [Property]
    public bool The_order_of_outcomes_does_not_matter(byte[] scores)
    {
        EvaluationTable forward = new(), backward = new();
        var outcomes = scores.Select((s, i) => Outcome($"{i}", ("d" + i % 3, 255, s))).ToList();
        foreach (var outcome in outcomes) forward.Add("m", "b", outcome);
        foreach (var outcome in Enumerable.Reverse(outcomes)) backward.Add("m", "b", outcome);
        return forward.Scores().SequenceEqual(backward.Scores());
    }

    private static EvaluationOutcome Outcome(string id, params (string Dataset, int Items, double Score)[] parts) =>
        new(id, parts.Sum(p => p.Items), parts.Sum(p => p.Score), []) { Datasets = [.. parts.Select(p => new DatasetScore(p.Dataset, p.Items, p.Score))] };
}
