using Tulu2.Cluster.Hosting;
using Tulu2.Cluster.Ledger;
using Tulu2.Cluster.Runs;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Outcomes;
using Tulu2.Tests.Cluster.Fakes;
using Xunit;

namespace Tulu2.Tests.Cluster;

/// <summary>Checkpoints, stopping and resuming, under the real actors with fake workers.</summary>
[Collection(HostCollection.Name)]
public sealed class CheckpointSpec(HostFixture fixture) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly FakeRun _run = new(slots: 8, steps: 12);

    public void Dispose() => _run.Dispose();

    private Task<RunOutcome> RunAsync(RunPlan plan, CancellationToken cancellation = default) =>
        new RunHost(fixture.Host).RunAsync(plan, _run.Observer, cancellation).WaitAsync(Patience, CancellationToken.None);

    private string Expected(int steps) => $"{_run.Cluster.Expected(steps):x16}";

    [Fact]
    public async Task Training_does_not_wait_for_a_checkpoint_and_one_that_falls_due_meanwhile_comes_later()
    {
        // The shards of step 2 become durable only after step 7 is committed: step 4's and 6's checkpoints are put off until the next step after that.
        var held = new List<Action>();
        _run.Cluster.OnSnapshot = (_, step, write) =>
        {
            if (step != 2) write();
            else
                lock (held) held.Add(write);
        };
        _run.Observer.OnStep = step =>
        {
            if (step.Step != 7) return;
            lock (held) held.ForEach(write => write());
        };

        var outcome = await RunAsync(_run.PlanOf(ranks: 2, every: 2));

        Assert.Null(outcome.Failure);
        var written = _run.Observer.Checkpoints.ToArray();
        Assert.Equal(2, written[0]);
        Assert.Equal(12, written[^1]);
        Assert.DoesNotContain(4, written);
        Assert.DoesNotContain(6, written);
        Assert.Equal(Expected(12), outcome.ParametersSha256);
    }

    [Fact]
    public async Task A_checkpoint_that_fails_is_reported_and_the_run_goes_on()
    {
        _run.Cluster.SnapshotError = (rank, step) => rank == 1 && step == 4 ? "no space left on device" : null;

        var outcome = await RunAsync(_run.PlanOf(ranks: 2, every: 4));

        Assert.Null(outcome.Failure);
        Assert.Equal((4, "no space left on device"), Assert.Single(_run.Observer.CheckpointErrors));
        Assert.DoesNotContain(4, _run.Observer.Checkpoints);
        Assert.Equal(12, _run.Observer.Checkpoints.Last());
    }

    [Fact]
    public async Task A_last_checkpoint_that_fails_fails_the_run_as_bad_input()
    {
        _run.Checkpoints.Fault = manifest => manifest.Step == 12 ? new IOException("no space left on device") : null;

        var outcome = await RunAsync(_run.PlanOf(ranks: 2, every: 5));

        Assert.Equal(RunEnd.Failed, outcome.End);
        Assert.Equal("the last checkpoint, of step 12, could not be written: no space left on device", outcome.Failure?.Error);
        Assert.Equal("checkpoints/", outcome.Failure?.BadInputWhere);
        Assert.Equal($"{_run.Observer.Checkpoints.Last()}", outcome.ManifestPath);
    }

    [Fact]
    public async Task Cancelling_finishes_the_step_and_its_checkpoint_and_the_run_resumes_to_the_same_end()
    {
        using var stop = new CancellationTokenSource();
        _run.Observer.OnStep = step =>
        {
            if (step.Step == 5) stop.Cancel();
        };

        // No rank can make step 7 before the stop has arrived.
        _run.Plan.Fault = (step, _) => step >= 7 && !_run.Observer.IsStopping.Wait(Patience) ? new TimeoutException("no stop arrived") : null;

        var stopped = await RunAsync(_run.PlanOf(ranks: 2) with { Prefetch = 1 }, stop.Token);

        Assert.Null(stopped.Failure);
        Assert.Equal(RunEnd.Cancelled, stopped.End);
        Assert.InRange(stopped.Steps, 5, 8);
        Assert.Equal($"{stopped.Steps}", stopped.ManifestPath);

        var resumed = await RunAsync(_run.PlanOf(ranks: 3, start: new RunStart.FromManifest(stopped.ManifestPath!, new StepNumber(stopped.Steps))));

        Assert.Equal((RunEnd.Completed, 12), (resumed.End, resumed.Steps));
        Assert.Equal(Expected(12), resumed.ParametersSha256);
        Assert.Equal([], LedgerVerifier.Verify(_run.Ledger).Faults);

        var again = await RunAsync(_run.PlanOf(ranks: 3, start: new RunStart.FromManifest("12", new StepNumber(12))));
        Assert.Equal((RunEnd.Completed, 12, Expected(12)), (again.End, again.Steps, again.ParametersSha256));
    }

    [Fact]
    public async Task A_replayed_step_must_have_the_gradient_that_the_ledger_has()
    {
        await RunAsync(_run.PlanOf(ranks: 1, every: 4));
        // As if another library had other bits: the same checkpoint goes on to other gradients.
        var from = _run.Observer.Checkpoints.First();
        _run.Cluster.Snapshots[from]++;

        var outcome = await RunAsync(_run.PlanOf(ranks: 1, start: new RunStart.FromManifest($"{from}", new StepNumber(from))));

        var says = $"^step {from + 1} is not the step it was: its gradient now has the hash [0-9a-f]{{16}}, the ledger has [0-9a-f]{{16}}";
        Assert.Matches(says, outcome.Failure!.Error);
        Assert.Equal(from, outcome.Steps);
    }

    [Fact]
    public async Task A_run_is_not_resumed_with_another_recipe()
    {
        await RunAsync(_run.PlanOf(ranks: 1));

        var outcome = await RunAsync(_run.PlanOf(ranks: 1) with { RecipeHash = "another" });

        Assert.Equal("was begun with another recipe", outcome.Failure?.Error);
        Assert.Equal(_run.RunDirectory, outcome.Failure?.BadInputWhere);
    }

    [Theory]
    [InlineData("flipped")]
    [InlineData("cut")]
    [InlineData("gone")]
    public async Task A_run_whose_ledger_is_damaged_goes_on_from_its_manifest_and_the_ledger_says_what_is_lost(string how)
    {
        await RunAsync(_run.PlanOf(ranks: 1, every: 4));
        var log = Path.Combine(_run.Ledger, LedgerReader.FileName);
        var lines = File.ReadAllLines(log);
        if (how == "flipped") File.WriteAllLines(log, [.. lines[..4], lines[4].Replace("\"n\":", "\"m\":"), .. lines[5..]]);
        else if (how == "cut") File.WriteAllLines(log, lines[..4]);
        else File.Delete(log);

        var from = _run.Observer.Checkpoints.First();
        var resumed = await RunAsync(_run.PlanOf(ranks: 2, start: new RunStart.FromManifest($"{from}", new StepNumber(from))));

        Assert.Null(resumed.Failure);
        Assert.Equal(Expected(12), resumed.ParametersSha256);
        Assert.Contains("history lost", Assert.Single(_run.Observer.Lost));
        var verdict = LedgerVerifier.Verify(_run.Ledger);
        Assert.Equal([], verdict.Faults);
        Assert.Contains($"to {from} are known from {from} only", Assert.Single(verdict.Notes));
        Assert.Equal(how == "flipped" ? 1 : 0, Directory.GetFiles(_run.Ledger, "*.damaged-*").Length);
        // Once said, it is known.
        await RunAsync(_run.PlanOf(ranks: 1, start: new RunStart.FromManifest("12", new StepNumber(12))));
        Assert.Single(_run.Observer.Lost);
    }

    [Fact]
    public async Task A_change_is_recorded_once_and_the_steps_after_it_are_made_anew()
    {
        await RunAsync(_run.PlanOf(ranks: 1, every: 4));
        var from = _run.Observer.Checkpoints.First();
        // Other bits from there on, which no replay may have without a change.
        _run.Cluster.Snapshots[from]++;
        PlannedChange[] changes = [new(new StepNumber(from), ["a 1 -> 2"], "changed")];
        var start = new RunStart.FromManifest($"{from}", new StepNumber(from));
        var plan = _run.PlanOf(ranks: 1, every: 4, start) with { RecipeHash = "changed", BegunWith = "recipe", Changes = changes };

        var changed = await RunAsync(plan);
        var again = await RunAsync(plan with { TotalSteps = 12 });

        Assert.Null(changed.Failure);
        Assert.Null(again.Failure);
        Assert.Equal(changed.ParametersSha256, again.ParametersSha256);
        Assert.Equal([(from, "a 1 -> 2", true)], _run.Observer.Changes.Select(change => (change.After.Value, Assert.Single(change.Keys), change.DecidesBits)));
        Assert.Equal([], LedgerVerifier.Verify(_run.Ledger).Faults);
        Assert.Equal("was begun with another recipe", (await RunAsync(plan with { Changes = [], BegunWith = null })).Failure?.Error);
        Assert.Equal("was begun with another recipe", (await RunAsync(_run.PlanOf(ranks: 1))).Failure?.Error);
    }

    [Fact]
    public async Task A_slot_that_cannot_be_read_ends_the_run()
    {
        _run.Plan.Fault = (step, slot) => (step, slot) == (6, 2) ? new InvalidDataException("the store is damaged") : null;

        var outcome = await RunAsync(_run.PlanOf(ranks: 2));

        Assert.Equal("slot 2 of step 6 cannot be read: the store is damaged", outcome.Failure?.Error);
    }

    [Fact]
    public async Task An_observer_that_throws_ends_the_run_with_its_cause()
    {
        _run.Observer.OnStep = step => throw new IOException("metrics.jsonl: no space left on device");

        var outcome = await RunAsync(_run.PlanOf(ranks: 2));

        Assert.Equal("metrics.jsonl: no space left on device", outcome.Failure?.Error);
    }

    [Fact]
    public async Task An_observer_that_throws_when_the_run_is_over_fails_it_too()
    {
        _run.Observer.OnStep = step =>
        {
            if (step.Step != 12) return;
            // Until the run has ended and waits for its observer only.
            Assert.True(SpinWait.SpinUntil(() => _run.Cluster.Ended == 2, TimeSpan.FromSeconds(20)));
            throw new IOException("metrics.jsonl: no space left on device");
        };

        var outcome = await RunAsync(_run.PlanOf(ranks: 2));

        Assert.Equal((RunEnd.Failed, "metrics.jsonl: no space left on device"), (outcome.End, outcome.Failure?.Error));
    }
}
