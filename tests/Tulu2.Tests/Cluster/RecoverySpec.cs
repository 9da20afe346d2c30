using Tulu2.Cluster.Hosting;
using Tulu2.Cluster.Ledger;
using Tulu2.Cluster.Runs;
using Tulu2.Protocol.GradientSync;
using Tulu2.Protocol.Outcomes;
using Tulu2.Tests.Cluster.Fakes;
using Xunit;

namespace Tulu2.Tests.Cluster;

/// <summary>Whole runs in which something goes wrong.</summary>
[Collection(HostCollection.Name)]
public sealed class RecoverySpec(HostFixture fixture) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly FakeRun _run = new(slots: 8, steps: 12);

    public void Dispose() => _run.Dispose();

    private Task<RunOutcome> RunAsync(RunPlan plan, CancellationToken cancellation = default) =>
        new RunHost(fixture.Host).RunAsync(plan, _run.Observer, cancellation).WaitAsync(Patience, CancellationToken.None);

    private void ExpectSound(RunOutcome outcome, int steps = 12)
    {
        Assert.Null(outcome.Failure);
        Assert.Equal(steps, outcome.Steps);
        Assert.Equal($"{_run.Cluster.Expected(steps):x16}", outcome.ParametersSha256);
        Assert.Empty(_run.Cluster.Violations);
        Assert.All(_run.Cluster.Applied, applied => Assert.Equal(_run.Cluster.Expected(applied.Step), applied.Value));
        Assert.Equal([], LedgerVerifier.Verify(_run.Ledger).Faults);
    }

    [Theory]
    [InlineData(nameof(At.Slot))]
    [InlineData(nameof(At.Ready))]
    [InlineData(nameof(At.Commit))]
    [InlineData(nameof(At.Applied))]
    [InlineData(nameof(At.Join))]
    public async Task A_rank_that_fails_is_restarted_and_the_result_is_the_same(string at)
    {
        var point = Enum.Parse<At>(at);
        _run.Cluster.With(point, rank: 1, step: point == At.Join ? 0 : 4);

        ExpectSound(await RunAsync(_run.PlanOf(ranks: 3, every: 5)));

        Assert.Equal((1, "rank 1 broke"), Assert.Single(_run.Observer.Restarts));
        Assert.Equal(4, _run.Cluster.Started);
    }

    [Fact]
    public async Task Survivors_keep_the_slots_they_have()
    {
        // Rank 1 dies before its first slot: ranks 0 and 2 have computed theirs, or will before they hear of it.
        _run.Cluster.With(At.Slot, rank: 1, step: 4);

        ExpectSound(await RunAsync(_run.PlanOf(ranks: 3)));

        var redone = _run.Cluster.Computed.Where(c => c.Step == 4).GroupBy(c => c.Slot).Where(group => group.Count() > 1);
        Assert.Empty(redone);
    }

    [Fact]
    public async Task A_commit_that_reached_one_rank_only_is_kept_and_the_others_get_its_state()
    {
        _run.Cluster.With(At.Commit, rank: 0, step: 6).With(At.Commit, rank: 2, step: 6);

        ExpectSound(await RunAsync(_run.PlanOf(ranks: 3)));

        Assert.Single(_run.Cluster.Applied, applied => applied.Step == 6);
    }

    [Fact]
    public async Task Steps_are_made_again_from_the_last_checkpoint_when_no_replica_is_left()
    {
        _run.Cluster.With(At.Slot, rank: 0, step: 9);

        ExpectSound(await RunAsync(_run.PlanOf(ranks: 1, every: 5)));

        var replayed = _run.Observer.Steps.Where(step => step.Replayed).Select(step => step.Step.Value).ToArray();
        Assert.Equal(Enumerable.Range(replayed[0], 9 - replayed[0]), replayed);
        Assert.Equal(replayed.Length, LedgerVerifier.Verify(_run.Ledger).Replayed);
    }

    [Fact]
    public async Task A_rank_that_is_lost_with_the_last_commit_is_restored_for_its_checkpoint_and_no_step_is_made_again()
    {
        _run.Cluster.With(At.Applied, rank: 1, step: 12);

        ExpectSound(await RunAsync(_run.PlanOf(ranks: 2, every: 5)));

        Assert.Equal(12, Assert.Single(_run.Observer.Checkpoints, step => step > 11));
        Assert.DoesNotContain(_run.Observer.Steps, step => step.Replayed);
    }

    [Fact]
    public async Task Bad_input_ends_the_run_at_once_with_its_place_and_fix()
    {
        _run.Cluster.With(At.Slot, rank: 1, step: 3, Fault.BadInput);

        var outcome = await RunAsync(_run.PlanOf(ranks: 2));

        Assert.Equal(RunEnd.Failed, outcome.End);
        Assert.Equal(("bad row", "rows.jsonl:3", "correct it"), (outcome.Failure!.Error, outcome.Failure.BadInputWhere, outcome.Failure.BadInputFix));
        Assert.Equal("rows.jsonl:3: bad row", outcome.Failure.ToException().Message);
        Assert.Equal(2, _run.Cluster.Started);
    }

    [Fact]
    public async Task A_rank_that_fails_again_and_again_ends_the_run_with_its_cause()
    {
        _run.Cluster.With(At.Slot, rank: 1, step: 3, times: 100);

        var outcome = await RunAsync(_run.PlanOf(ranks: 2) with { MostLosses = 2 });

        Assert.Equal("rank 1 was lost 3 times without a step in between, the last time: rank 1 broke", outcome.Failure?.Error);
        // One more may have been started before the end was decided.
        Assert.InRange(_run.Cluster.Started, 2 + 2, 2 + 3);
        Assert.Equal(2, outcome.Steps);
    }

    [Fact]
    public async Task A_hung_rank_is_replaced()
    {
        _run.Cluster.With(At.Slot, rank: 1, step: 3, Fault.Hang);
        var lease = new ProgressLease(TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(2), 8);

        ExpectSound(await RunAsync(_run.PlanOf(ranks: 2) with { Lease = lease }));

        var restart = Assert.Single(_run.Observer.Restarts);
        Assert.Equal(1, restart.Rank);
        Assert.StartsWith("no progress for ", restart.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_corrupt_minority_is_replaced_before_weights_are_touched()
    {
        _run.Cluster.With(At.Ready, rank: 2, step: 5, Fault.Corrupt);

        ExpectSound(await RunAsync(_run.PlanOf(ranks: 3)));

        Assert.Equal(2, Assert.Single(_run.Observer.Restarts).Rank);
    }

    [Fact]
    public async Task A_tie_is_computed_again_and_a_second_one_ends_the_run()
    {
        _run.Cluster.With(At.Ready, rank: 1, step: 5, Fault.Corrupt);
        ExpectSound(await RunAsync(_run.PlanOf(ranks: 2)));
        Assert.Empty(_run.Observer.Restarts);

        using var twice = new FakeRun(slots: 8, steps: 12);
        twice.Cluster.With(At.Ready, rank: 1, step: 5, Fault.Corrupt, times: 2);
        var outcome = await new RunHost(fixture.Host).RunAsync(twice.PlanOf(ranks: 2), twice.Observer, CancellationToken.None).WaitAsync(Patience);
        Assert.StartsWith("the ranks came twice to different gradients of step 5", outcome.Failure?.Error, StringComparison.Ordinal);
        Assert.Equal(4, outcome.Steps);
    }
}
