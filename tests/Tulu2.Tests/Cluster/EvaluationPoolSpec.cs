using System.Collections.Concurrent;
using Tulu2.Cluster.Hosting;
using Tulu2.Cluster.Ledger;
using Tulu2.Cluster.Runs;
using Tulu2.Evaluation.Results;
using Tulu2.Evaluation.Tasks;
using Tulu2.Files;
using Tulu2.Protocol.Evaluations;
using Tulu2.Protocol.Events;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Outcomes;
using Tulu2.Tests.Cluster.Fakes;
using Xunit;

namespace Tulu2.Tests.Cluster;

/// <summary>Runs whose checkpoints are scored, under the real actors, with fake ranks and fake evaluators.</summary>
[Collection(HostCollection.Name)]
public sealed class EvaluationPoolSpec : IDisposable
{
    private const int Steps = 12;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly EvaluationSchedule Schedule = new(["quick"], 3, ["full"], 0);

    private readonly HostFixture _fixture;
    private readonly FakeRun _run = new(slots: 8, steps: Steps);
    private readonly FakeEvaluation _evaluation;

    public EvaluationPoolSpec(HostFixture fixture)
    {
        (_fixture, _evaluation) = (fixture, new FakeEvaluation(_run));
        _run.WaitForCheckpoints(every: 3);
    }

    public void Dispose() => _run.Dispose();

    private RunPlan Plan(int evaluators = 2, RunStart? start = null) =>
        _run.PlanOf(2, every: 3, start) with { Evaluation = _evaluation.Plan(Schedule, evaluators, new EvaluationMetric("quick", IsLowerBetter: true)) };

    private Task<RunOutcome> RunAsync(RunPlan plan, CancellationToken cancellation = default) =>
        new RunHost(_fixture.Host).RunAsync(plan, _run.Observer, cancellation).WaitAsync(Patience, CancellationToken.None);

    private void ExpectWhole(RunOutcome outcome)
    {
        Assert.Null(outcome.Failure);
        Assert.Equal((RunEnd.Completed, Steps, $"{_run.Cluster.Expected(Steps):x16}"), (outcome.End, outcome.Steps, outcome.ParametersSha256));
        Assert.Empty(_evaluation.Violations);
        Assert.All(_evaluation.Scores, score => Assert.Equal(score.Key.Step, score.Value));
        Assert.Contains((Steps, "quick"), _evaluation.Scores.Keys);
        Assert.Contains((Steps, "full"), _evaluation.Scores.Keys);
        Assert.Equal(_evaluation.Scores.Count * FakeEvaluation.Items, _evaluation.Kept);
        Assert.Equal(0, _evaluation.Alive);
        Assert.Equal([], LedgerVerifier.Verify(_run.Ledger).Faults);
        var done = LedgerReader.Read(_run.Ledger).Select(entry => entry.Event).OfType<LedgerEvent.EvaluationDone>().ToList();
        Assert.Equal(_evaluation.Kept, done.Sum(entry => entry.Items));
        Assert.Equal(done.Count, done.Select(entry => entry.Task).Distinct().Count());
    }

    [Fact]
    public async Task Checkpoints_are_scored_once_though_evaluators_fail_and_the_run_has_the_same_bits()
    {
        var random = new Random(3);
        _evaluation.Fault = _ => { lock (random) return random.Next(5) == 0 ? new InvalidOperationException("killed") : null; };

        ExpectWhole(await RunAsync(Plan()));

        Assert.Equal(new[] { 3, 6, 9, 12, 12 }, _evaluation.Scores.Keys.Select(task => task.Step).Order());
        Assert.Equal(_evaluation.Scores.Count, _run.Observer.Of<RunEvent.Evaluated>().Count());
        Assert.NotEmpty(_run.Observer.Of<RunEvent.EvaluatorLost>());
        // The lowest step has the best score, and its checkpoint is kept.
        Assert.Equal([3], _run.Checkpoints.Besides);
        Assert.Equal(RunPhase.Evaluating, _run.Observer.Phases.Last());
    }

    [Fact]
    public async Task No_checkpoint_that_is_to_be_scored_is_deleted_and_the_next_one_is_prepared()
    {
        // Nothing is scored before the last checkpoint is written.
        _evaluation.OnRun = (_, cancellation) =>
        {
            while (_run.Checkpoints.AllBesides.Count < Steps / 3) cancellation.WaitHandle.WaitOne(5);
        };

        ExpectWhole(await RunAsync(Plan(evaluators: 1)));

        Assert.Equal(new[] { 3, 6, 9, 12, 12 }, _run.Observer.Of<RunEvent.EvaluationDue>().Select(due => due.Step.Value));
        Assert.Equal(new[] { "", "3", "3 6", "3 6 9", "3" }, _run.Checkpoints.AllBesides.Select(besides => string.Join(' ', besides.Order())));
        Assert.NotEmpty(_evaluation.Prepared);
    }

    [Fact]
    public async Task Bad_input_gives_up_its_benchmark_and_not_the_run()
    {
        _evaluation.Fault = task => task.Benchmark == "full" ? new BadInputException("full.jsonl:3", "no answer", "correct the row") : null;

        var outcome = await RunAsync(Plan());

        Assert.Equal((RunEnd.Completed, Steps), (outcome.End, outcome.Steps));
        var failed = Assert.Single(_run.Observer.Of<RunEvent.EvaluationFailed>());
        Assert.Equal((Steps, "full", "full.jsonl:3: no answer; correct the row"), (failed.Step.Value, failed.Benchmark, failed.Why));
        Assert.Null(_evaluation.Scores[(Steps, "full")]);
        Assert.Equal(Steps, _evaluation.Scores[(Steps, "quick")]);

        // The next session tries again, and only that.
        _evaluation.Fault = _ => null;
        var before = _run.Observer.Steps.Count();
        ExpectWhole(await RunAsync(Plan(start: new RunStart.FromManifest($"{Steps}", new StepNumber(Steps)))));
        Assert.Equal(before, _run.Observer.Steps.Count());
    }

    [Fact]
    public async Task A_run_that_is_stopped_while_it_is_scored_goes_on_with_what_is_left()
    {
        using var stop = new CancellationTokenSource();
        var count = 0;
        _evaluation.OnRun = (task, cancellation) =>
        {
            if (Interlocked.Increment(ref count) < 4) return;
            // When the last step is made, the end is asked for.
            while (!_run.Observer.Phases.Contains(RunPhase.Evaluating)) cancellation.WaitHandle.WaitOne(10);
            stop.Cancel();
            cancellation.WaitHandle.WaitOne(Patience);
            cancellation.ThrowIfCancellationRequested();
        };

        var outcome = await RunAsync(Plan(), stop.Token);

        Assert.Equal((RunEnd.Completed, Steps), (outcome.End, outcome.Steps));
        Assert.InRange(_evaluation.Kept, FakeEvaluation.Chunk, 3 * FakeEvaluation.Chunk);
        Assert.Equal(0, _evaluation.Alive);

        _evaluation.OnRun = (_, _) => { };
        ExpectWhole(await RunAsync(Plan(start: new RunStart.FromManifest($"{Steps}", new StepNumber(Steps)))));
    }

    [Fact]
    public async Task An_outcome_that_nobody_heard_of_counts_in_the_next_session()
    {
        var plan = Plan(evaluators: 0);
        var work = new ScoringWork(Steps, "quick", 0, FakeEvaluation.Chunk);
        OutcomeFile.Write(_evaluation.Folder, new EvaluationOutcome($"key:{work.Name}",
            [.. Enumerable.Range(0, work.Count).Select(item => new ItemScore($"{item}", "", Steps))]));
        OutcomeFile.Write(_evaluation.Folder, new EvaluationOutcome("other:12:quick:0+8", []));
        _evaluation.Begin(Steps, ["quick"]);
        plan = plan with { Evaluation = plan.Evaluation! with { Known = [new KnownEvaluation(Steps, "quick", new HashSet<int>(), null)], Evaluators = 1 } };
        var given = new ConcurrentQueue<string>();
        _evaluation.OnRun = (task, _) => given.Enqueue(task.Id);

        ExpectWhole(await RunAsync(plan));

        Assert.DoesNotContain($"key:{work.Name}", given);
        Assert.Empty(Directory.GetFiles(_evaluation.Folder));
    }
}
