using System.Text.Json;
using FsCheck.Xunit;
using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Benchmarks.ExactMatch;
using Tulu2.Evaluation.Benchmarks.Preference;
using Tulu2.Evaluation.Reporting;
using Tulu2.Evaluation.Requests;
using Tulu2.Evaluation.Scoring;
using Tulu2.Evaluation.Tasks;
using Tulu2.Files;
using Xunit;

namespace Tulu2.Tests.Evaluation.Scoring;

public class EvaluationTableTests
{
    private static readonly IBenchmark ExactMatch = new ExactMatchBenchmark();
    private static readonly IBenchmark Preference = new PreferenceBenchmark();

    [Fact]
    public void Outcomes_add_up_per_model_and_dataset()
    {
        var table = new EvaluationTable();
        table.Add("sft", ExactMatch, Outcome("a", ("sort", 4, 3), ("add", 6, 2)));
        table.Add("sft", ExactMatch, Outcome("b", ("add", 10, 5)));
        table.Add("dpo", Preference, Outcome("c", ("pairs", 8, 7)));
        Assert.Equal(
            [
                new ReportScore("sft", "exact_match", "", 20, 0.5, ScoreUnit.Share), new ReportScore("sft", "exact_match", "add", 16, 7 / 16.0, ScoreUnit.Share),
                new ReportScore("sft", "exact_match", "sort", 4, 0.75, ScoreUnit.Share), new ReportScore("dpo", "preference", "", 8, 7 / 8.0, ScoreUnit.Share),
            ],
            table.Scores());
        Assert.Equal(0.5, table.Score("sft", ExactMatch));
        Assert.Null(table.Score("dpo", ExactMatch));
    }

    [Fact]
    public void A_score_has_the_unit_of_its_benchmark_and_its_own_aggregate()
    {
        var table = new EvaluationTable();
        table.Add("sft", new MeanOfParts(), Outcome("a", ("one", 3, 3), ("two", 1, 0)));
        Assert.Equal(("0.50 of 10", "1.00 of 10", "0.00 of 10"), (table.Scores()[0].Text, table.Scores()[1].Text, table.Scores()[2].Text));
    }

    [Fact]
    public void A_score_of_an_older_report_is_the_number_of_right_items()
    {
        var old = JsonSerializer.Deserialize<ReportScore>("""{"model":"sft","benchmark":"exact_match","dataset":"","items":400,"score":321}""", JsonLine.Options)!;
        Assert.Equal(("80.3 %", 321 / 400.0), (old.Text, old.Value));
        var now = new ReportScore("sft", "judged", "", 3, 7.5, new ScoreUnit("of 10", 1, 2));
        Assert.Equal(now, JsonSerializer.Deserialize<ReportScore>(JsonLine.Of(now), JsonLine.Options));
    }

    [Fact]
    public void A_task_counts_once()
    {
        var table = new EvaluationTable();
        table.Add("sft", ExactMatch, Outcome("a", ("add", 1, 1)));
        Assert.Throws<ArgumentException>(() => table.Add("sft", ExactMatch, Outcome("a", ("add", 1, 1))));
    }

    [Property]
    public bool The_order_of_outcomes_does_not_matter(byte[] scores)
    {
        EvaluationTable forward = new(), backward = new();
        var outcomes = scores.Select((s, i) => Outcome($"{i}", ("d" + i % 3, 255, s))).ToList();
        foreach (var outcome in outcomes) forward.Add("m", ExactMatch, outcome);
        foreach (var outcome in Enumerable.Reverse(outcomes)) backward.Add("m", ExactMatch, outcome);
        return forward.Scores().SequenceEqual(backward.Scores());
    }

    // The first items of each dataset are right.
    private static EvaluationOutcome Outcome(string id, params (string Dataset, int Items, int Right)[] parts) => new(
        id, [.. parts.SelectMany(part => Enumerable.Range(0, part.Items).Select(item => new ItemScore($"{item}", part.Dataset, item < part.Right ? 1 : 0)))]);

    private sealed class MeanOfParts : Benchmark<ExactMatchBenchmark.Item>
    {
        public override string Name => "mean_of_parts";
        public override ScoreUnit Unit => new("of 10", 1, 2);
        public override BenchmarkItems<ExactMatchBenchmark.Item> Read(BenchmarkInput input) => throw new NotSupportedException();
        public override ModelRequest? Next(ExactMatchBenchmark.Item item, IReadOnlyList<ModelAnswer> answers) => null;
        public override ItemResult Score(ExactMatchBenchmark.Item item, IReadOnlyList<ModelAnswer> answers) => throw new NotSupportedException();
        public override double Aggregate(IReadOnlyList<ItemScore> scores) => scores.GroupBy(score => score.Dataset).Average(part => part.Average(score => score.Value));
    }
}
