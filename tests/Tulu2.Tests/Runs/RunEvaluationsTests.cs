using Tulu2.Checkpoints;
using Tulu2.Evaluation.Benchmarks;
using Tulu2.Evaluation.Results;
using Tulu2.Evaluation.Scoring;
using Tulu2.Evaluation.Tasks;
using Tulu2.Protocol.Evaluations;
using Tulu2.Runs.Evaluations;
using Tulu2.Runs.RunFiles;
using Tulu2.Training.Recipes;
using Xunit;

namespace Tulu2.Tests.Runs;

/// <summary>What is on disk of a run's evaluation, and what the next session makes of it.</summary>
public sealed class RunEvaluationsTests : IDisposable
{
    private const int Items = 6;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("tulu2-evaluations-");
    private readonly RunDirectory _run;
    private readonly CheckpointStore _store;
    private readonly List<string> _said = [];
    private string _recipe = "one";
    private BenchmarkOptions _options = new(SkipLong: true);

    public RunEvaluationsTests()
    {
        (_run, _store) = (new RunDirectory(_folder.FullName), new CheckpointStore(Path.Combine(_folder.FullName, "checkpoints")));
        Directory.CreateDirectory(Path.GetDirectoryName(_store.ManifestPathOf(1))!);
        foreach (var step in new[] { 10, 20 }) File.WriteAllText(_store.ManifestPathOf(step), "");
        File.WriteAllText(Path.Combine(_folder.FullName, "rows.jsonl"), "");
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private RunEvaluations Open()
    {
        var benchmark = BenchmarkCatalogue.Named("exact_match");
        var suite = new EvaluationSuite(new EvaluationRecipe { Quick = ["exact_match"] },
            new Dictionary<string, SuiteBenchmark> { ["exact_match"] = new(benchmark, Path.Combine(_folder.FullName, "rows.jsonl"), Items) },
            EvaluatorSettings.Default with { Options = _options });
        return new RunEvaluations(_run, suite, _ => _recipe);
    }

    private static (ScoringWork Work, string Task, string File) Outcome(RunEvaluations record, int step, int first, int count, double score = 1)
    {
        var work = new ScoringWork(step, "exact_match", first, count);
        var scores = Enumerable.Range(first, count).Select(item => new ItemScore($"{item}", "", score)).ToList();
        return (work, work.Name, OutcomeFile.Write(record.OutcomeFolder, new EvaluationOutcome(work.Name, scores)));
    }

    [Fact]
    public void Items_are_kept_as_they_come_and_a_whole_benchmark_becomes_a_result_with_its_step()
    {
        using var record = Open();
        Assert.Empty(record.Open(_store, _said.Add));
        record.Begin(10, ["exact_match"]);
        foreach (var (first, score) in new[] { (4, 1.0), (0, 0.0), (2, 1.0) })
        {
            var (work, task, file) = Outcome(record, 10, first, 2, score);
            Assert.Equal((2, 2 * score), record.Keep(work, task, file) is { } kept ? (kept.Items, kept.Total) : default);
        }
        var finished = record.Finish(10, "exact_match");

        Assert.Equal((4 / 6.0, "66.7 %", 6), (finished.Score, finished.Text, finished.Items));
        var results = new ResultFolder(Path.Combine(_run.Evaluations, "step-00000010"));
        Assert.Equal((10, _run.Name), (results.Read("exact_match").Step, results.Read("exact_match").Model));
        Assert.Equal(["0", "1", "2", "3", "4", "5"], results.ReadItems("exact_match").Select(score => score.Item));
        Assert.Empty(Directory.GetFiles(record.OutcomeFolder));
        Assert.Equal([(10, 4 / 6.0)], RunEvaluations.Scores(_run, "exact_match"));
    }

    [Fact]
    public void The_next_session_goes_on_with_what_is_left()
    {
        using (var record = Open())
        {
            record.Open(_store, _said.Add);
            record.Begin(10, ["exact_match"]);
            var (work, task, file) = Outcome(record, 10, 2, 2);
            record.Keep(work, task, file);
            // Not heard of by the coordinator that was killed.
            Outcome(record, 10, 0, 2);
        }
        using var next = Open();
        var known = Assert.Single(next.Open(_store, _said.Add));
        Assert.Equal((10, "exact_match", null), (known.Step, known.Benchmark, known.Score));
        Assert.Equal([2, 3], known.Items.Order());
        Assert.Equal("10:exact_match:0+2", Assert.Single(next.Unheard()).Task);
        Assert.Empty(_said);
    }

    [Fact]
    public void An_outcome_of_other_work_is_not_kept()
    {
        using var record = Open();
        record.Open(_store, _said.Add);
        var (work, _, file) = Outcome(record, 10, 0, 2);
        Assert.Null(record.Keep(work, "20:exact_match:0+2", file));
        Assert.Null(record.Keep(work, work.Name, file));
        Assert.Null(record.Keep(work, work.Name, "../recipe.yaml"));
        File.WriteAllText(Path.Combine(record.OutcomeFolder, "torn.outcome.jsonl"), "{\"task\":\"10:exact_match:0+2\",\"items\":2}\n{}");
        Assert.Null(record.Keep(work, work.Name, "torn.outcome.jsonl"));
    }

    [Theory]
    [InlineData("recipe", "of another recipe")]
    [InlineData("options", "begins anew")]
    [InlineData("checkpoint", "its checkpoint is gone")]
    public void What_does_not_hold_any_more_is_set_aside_and_said(string change, string said)
    {
        using (var record = Open())
        {
            record.Open(_store, _said.Add);
            record.Begin(10, ["exact_match"]);
            var (work, task, file) = Outcome(record, 10, 2, 2);
            record.Keep(work, task, file);
        }
        if (change == "recipe") _recipe = "two";
        if (change == "options") _options = _options with { Limit = 3 };
        if (change == "checkpoint") File.Delete(_store.ManifestPathOf(10));

        using var next = Open();
        var known = next.Open(_store, _said.Add);

        Assert.Contains(said, Assert.Single(_said), StringComparison.Ordinal);
        if (change == "options") Assert.Empty(Assert.Single(known).Items);
        else Assert.Empty(known);
    }
}
