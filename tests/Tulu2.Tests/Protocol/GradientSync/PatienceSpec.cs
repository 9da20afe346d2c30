using System.Collections.Immutable;
using Tulu2.Collectives;
using Tulu2.Collectives.Layout;
using Tulu2.Protocol.GradientSync;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;
using Xunit;

namespace Tulu2.Tests.Protocol.GradientSync;

/// <summary>How long the supervisor waits for what, by its pure state alone.</summary>
public sealed class PatienceSpec
{
    private static readonly ProgressLease Lease = new(TimeSpan.FromSeconds(900), TimeSpan.FromSeconds(120), 8);

    private GradientSyncState _state = Begun();

    private TimeSpan _now = TimeSpan.FromSeconds(1000);

    public PatienceSpec()
    {
        foreach (var rank in Rank.All(2)) Take(new SyncCommand.RankUp(rank, new Incarnation(1), "fake", _now));
        foreach (var rank in Rank.All(2)) Report(new WorkerReport.Joined(new Generation(1), rank, new StepNumber(-1), [], null));
        for (var step = 1; step <= 3; step++) Step(step);
        Assert.Equal(4, Assert.IsType<SyncPhase.Running>(_state.Phase).Step);
    }

    [Fact]
    public void A_silent_rank_is_replaced_after_its_lease_and_not_before()
    {
        Assert.Empty(After(119));
        Assert.Equal([0, 1], After(2).OfType<SyncEffect.Restart>().Select(restart => restart.Rank.Value));
    }

    [Fact]
    public void A_supervisor_that_was_stopped_itself_blames_nobody_for_its_own_silence()
    {
        _now += TimeSpan.FromSeconds(3600);
        Assert.Empty(Take(new SyncCommand.Slept(_now)));
        Assert.Empty(After(119));
        Assert.NotEmpty(After(2));
    }

    [Fact]
    public void A_rank_that_hangs_when_another_is_lost_is_not_given_the_time_of_a_start()
    {
        Take(new SyncCommand.RankLost(new Rank(0), new Incarnation(1), "crashed", _now));
        Take(new SyncCommand.RankUp(new Rank(0), new Incarnation(2), "fake", _now));
        Report(new WorkerReport.Joined(new Generation(2), new Rank(0), new StepNumber(-1), [], null));
        Assert.Empty(After(119));
        Assert.Equal(1, Assert.Single(After(2).OfType<SyncEffect.Restart>()).Rank);
    }

    [Fact]
    public void A_worker_that_stops_while_it_joins_is_replaced_after_the_least_patience_and_so_is_the_next_one()
    {
        // Not even the pace of a step is known: they have only begun.
        _state = Begun();
        foreach (var rank in Rank.All(2)) Take(new SyncCommand.RankUp(rank, new Incarnation(1), "fake", _now));
        Report(new WorkerReport.Joined(new Generation(1), new Rank(0), new StepNumber(-1), [], null));
        for (var worker = 1; worker <= 3; worker++)
        {
            Assert.Empty(After(119));
            Assert.Equal((1, worker), Assert.Single(After(2).OfType<SyncEffect.Restart>()) is var restart ? (restart.Rank, (int)restart.Incarnation) : default);
            Take(new SyncCommand.RankUp(new Rank(1), new Incarnation(worker + 1), "fake", _now));
            Report(new WorkerReport.Joined(new Generation(worker + 1), new Rank(0), new StepNumber(-1), [], null));
        }
    }

    [Fact]
    public void A_worker_that_ends_before_it_is_up_is_told_of_once_and_its_word_that_it_is_up_comes_too_late()
    {
        _state = Begun();
        var lost = new SyncCommand.RankLost(new Rank(1), new Incarnation(1), "it was stopped", _now);
        Assert.Equal(new SyncEffect.RankOut(new Rank(1), "it was stopped"), Assert.Single(Take(lost)));
        Assert.Empty(Take(lost));
        foreach (var rank in Rank.All(2)) Assert.Empty(Take(new SyncCommand.RankUp(rank, new Incarnation(1), "fake", _now)));
        Assert.Contains(Take(new SyncCommand.RankUp(new Rank(1), new Incarnation(2), "fake", _now)), effect => effect is SyncEffect.GenerationOpened);
    }

    [Fact]
    public void Who_may_be_loading_a_state_is_called_to_a_generation_with_the_time_that_takes_and_who_copies_one_is_not()
    {
        Take(new SyncCommand.RankLost(new Rank(0), new Incarnation(1), "crashed", _now));
        Take(new SyncCommand.RankUp(new Rank(0), new Incarnation(2), "fake", _now));
        Report(new WorkerReport.Joined(new Generation(2), new Rank(0), new StepNumber(-1), [], null));
        // Rank 1 gives its state to rank 0, which crashes over it.
        var effects = Report(new WorkerReport.Joined(new Generation(2), new Rank(1), new StepNumber(3), [], null));
        Assert.Contains(effects, effect => effect is SyncEffect.Tell { Command: WorkerCommand.Begin { Transfer: StateTransfer.FromPeer } });
        Take(new SyncCommand.RankLost(new Rank(0), new Incarnation(2), "crashed", _now));
        Take(new SyncCommand.RankUp(new Rank(0), new Incarnation(3), "fake", _now));
        Report(new WorkerReport.Joined(new Generation(3), new Rank(0), new StepNumber(-1), [], null));
        Assert.Empty(After(119));
        Assert.Equal(1, Assert.Single(After(2).OfType<SyncEffect.Restart>()).Rank);

        // Both begin with the recipe's state.
        _state = Begun();
        foreach (var rank in Rank.All(2)) Take(new SyncCommand.RankUp(rank, new Incarnation(1), "fake", _now));
        foreach (var rank in Rank.All(2)) Report(new WorkerReport.Joined(new Generation(1), rank, new StepNumber(-1), [], null));
        Take(new SyncCommand.RankLost(new Rank(0), new Incarnation(1), "crashed", _now));
        Take(new SyncCommand.RankUp(new Rank(0), new Incarnation(2), "fake", _now));
        Report(new WorkerReport.Joined(new Generation(2), new Rank(0), new StepNumber(-1), [], null));
        Assert.Empty(After(899));
        Assert.Equal(1, Assert.Single(After(2).OfType<SyncEffect.Restart>()).Rank);
    }

    [Fact]
    public void A_worker_that_was_to_be_replaced_and_did_not_hear_is_told_again()
    {
        After(121);
        Assert.Equal([(0, 1L), (1, 1L)], After(1).OfType<SyncEffect.Restart>().Select(restart => (restart.Rank.Value, restart.Incarnation.Value)));
        Take(new SyncCommand.RankUp(new Rank(0), new Incarnation(2), "fake", _now));
        Assert.Equal(1, Assert.Single(After(1).OfType<SyncEffect.Restart>()).Rank);
    }

    [Fact]
    public void A_stopped_run_does_not_wait_for_ever_for_ranks_that_do_not_come()
    {
        Take(new SyncCommand.SnapshotSettled(new StepNumber(2), "two", null, false, _now));
        After(1);
        Take(new SyncCommand.RankLost(new Rank(0), new Incarnation(1), "its node is gone", _now));
        Take(new SyncCommand.Stop(_now));
        Assert.DoesNotContain(After(9), effect => effect is SyncEffect.Finished);
        Assert.Equal(new SyncEffect.Finished(new StepNumber(2), null, "two", Cancelled: true), Assert.Single(After(2)));
    }

    [Fact]
    public void The_time_that_the_last_step_waits_for_a_snapshot_is_not_the_pace_of_the_run()
    {
        for (var step = 4; step <= 8; step++) Step(step);
        // All are ready for step 9, which takes a snapshot itself; that of step 2 is still being written, for ten minutes.
        Step(9);
        After(600);
        var effects = Take(new SyncCommand.SnapshotSettled(new StepNumber(2), "two", null, false, _now));
        Assert.Contains(effects, effect => effect is SyncEffect.Committed { Step.Step.Value: 9 });
        Report(new WorkerReport.Applied(new Generation(1), new Rank(0), new StepNumber(9), 0, AfterCommit.End, "hash"));
        Assert.Empty(After(119));
        Assert.Equal(1, Assert.Single(After(2).OfType<SyncEffect.Restart>()).Rank);
    }

    [Fact]
    public void A_rank_that_is_lost_too_often_ends_the_run_and_a_step_in_between_makes_it_start_anew()
    {
        _state = Begun(mostLosses: 2);
        foreach (var rank in Rank.All(2)) Take(new SyncCommand.RankUp(rank, new Incarnation(1), "fake", _now));
        foreach (var rank in Rank.All(2)) Report(new WorkerReport.Joined(new Generation(1), rank, new StepNumber(-1), [], null));
        // Whether or not it was up, however long it takes, and whatever others do meanwhile.
        Take(new SyncCommand.RankLost(new Rank(1), new Incarnation(1), "memory", _now));
        After(3600);
        Take(new SyncCommand.RankLost(new Rank(1), new Incarnation(2), "memory", _now));
        Take(new SyncCommand.RankLost(new Rank(0), new Incarnation(1), "memory", _now));
        foreach (var rank in Rank.All(2)) Take(new SyncCommand.RankUp(rank, new Incarnation(3), "fake", _now));
        foreach (var rank in Rank.All(2)) Report(new WorkerReport.Joined(new Generation(2), rank, new StepNumber(-1), [], null));
        Step(1, generation: 2);
        for (var loss = 3; loss < 5; loss++) Assert.DoesNotContain(Take(new SyncCommand.RankLost(new Rank(1), new Incarnation(loss), "memory", _now)), effect => effect is SyncEffect.Failed);
        var failed = Assert.Single(Take(new SyncCommand.RankLost(new Rank(1), new Incarnation(5), "memory again", _now)).OfType<SyncEffect.Failed>());
        Assert.Equal("rank 1 was lost 3 times without a step in between, the last time: memory again", failed.Failure.Error);
    }

    [Fact]
    public void Ranks_that_do_not_reach_one_another_are_named_after_three_times_and_end_the_run_after_some_more()
    {
        _state = Begun(mostLosses: 5);
        foreach (var rank in Rank.All(2)) Take(new SyncCommand.RankUp(rank, new Incarnation(1), $"10.0.0.{rank}:4000", _now));
        foreach (var rank in Rank.All(2)) Report(new WorkerReport.Joined(new Generation(1), rank, new StepNumber(-1), [], null));
        Assert.Equal([0, 0, 1], Enumerable.Range(1, 3).Select(time => Unmet(step: 1, time).OfType<SyncEffect.Warned>().Count()));
        // A step that they do make forgives all that was before it.
        Step(1, generation: 4);
        List<SyncEffect> effects = [.. Enumerable.Range(4, 5).SelectMany(time => Unmet(step: 2, time))];
        Assert.DoesNotContain(effects, effect => effect is SyncEffect.Failed);
        Assert.Equal(3, effects.Count(effect => effect is SyncEffect.Warned));
        var failed = Assert.Single(Unmet(step: 2, 9).OfType<SyncEffect.Failed>()).Failure;
        Assert.Equal("step 2 was not reduced in time, 6 times in a row: the ranks are up and do not reach one another: rank 0 at 10.0.0.0:4000, rank 1 at 10.0.0.1:4000", failed.Error);
        Assert.Null(failed.BadInputWhere);
        Assert.NotNull(failed.BadInputFix);

        // All have their slots and wait for one another, until they are called to the next generation.
        IEnumerable<SyncEffect> Unmet(int step, int generation)
        {
            foreach (var rank in Rank.All(2)) Report(new WorkerReport.SlotDone(new Generation(generation), rank, new StepNumber(step), new SlotNumber(rank), 1));
            var effects = After(901);
            foreach (var rank in Rank.All(2)) Report(new WorkerReport.Joined(new Generation(generation + 1), rank, new StepNumber(step - 1), [new SlotRange(rank, 1)], null));
            return effects;
        }
    }

    [Fact]
    public void A_snapshot_that_never_comes_is_given_up()
    {
        var due = false;
        for (var minute = 0; minute < 70 && !due; minute++)
        {
            foreach (var rank in Rank.All(2)) Report(new WorkerReport.SlotDone(new Generation(1), rank, new StepNumber(4), new SlotNumber(rank), 1));
            due = After(60).Contains(new SyncEffect.SnapshotRanksGone(new StepNumber(2), [new Rank(0), new Rank(1)]), new SameSnapshot());
        }
        Assert.True(due);
        // It is tried again with the next step.
        Take(new SyncCommand.SnapshotSettled(new StepNumber(2), null, "lost", Lost: true, _now));
        Assert.Contains(Step(4), effect => effect is SyncEffect.SnapshotBegun { Step.Value: 4 });
    }

    [Fact]
    public void A_checkpoint_that_could_not_be_written_is_taken_by_the_next_commit_after_the_storage_takes_files_again()
    {
        Take(new SyncCommand.SnapshotSettled(new StepNumber(2), null, "no space left", Lost: false, _now));
        Assert.Contains(Step(4), effect => effect is SyncEffect.SnapshotBegun { Step.Value: 4 });
        Take(new SyncCommand.SnapshotSettled(new StepNumber(4), null, "no space left", Lost: false, _now));
        Assert.DoesNotContain(Step(5), effect => effect is SyncEffect.SnapshotBegun);
        Step(6);
        Take(new SyncCommand.SnapshotSettled(new StepNumber(6), null, "no space left", Lost: false, _now));
        Assert.Empty(Take(new SyncCommand.SnapshotDue(_now)));
        Assert.Contains(Step(7), effect => effect is SyncEffect.SnapshotBegun { Step.Value: 7 });
        // One that is in flight is enough.
        Take(new SyncCommand.SnapshotDue(_now));
        Assert.DoesNotContain(Step(8), effect => effect is SyncEffect.SnapshotBegun);
    }

    private static GradientSyncState Begun(int mostLosses = int.MaxValue) => GradientSyncState.Of(
        new SyncRules(new ParallelLayout(2), Slots: 2, LastStep: new StepNumber(9), CheckpointEvery: 2) { MostLosses = mostLosses },
        new SyncStart(default, null, ImmutableDictionary<StepNumber, string>.Empty, ReferenceDue: false), Lease);

    private ImmutableArray<SyncEffect> After(int seconds)
    {
        _now += TimeSpan.FromSeconds(seconds);
        return Take(new SyncCommand.Tick(_now));
    }

    private List<SyncEffect> Step(int step, long generation = 1)
    {
        var effects = new List<SyncEffect>();
        _now += TimeSpan.FromSeconds(1);
        foreach (var rank in Rank.All(2))
            effects.AddRange(Report(new WorkerReport.StepReady(
                new Generation(generation), rank, new StepNumber(step), $"hash {step}", new StepMetrics(1, 1, 1, 1, 1, []), new StepTimes(0, 0, 0, 0, 0, 0))));
        foreach (var rank in Rank.All(2)) effects.AddRange(Report(new WorkerReport.Applied(new Generation(generation), rank, new StepNumber(step), 0, AfterCommit.GoOn, null)));
        return effects;
    }

    private ImmutableArray<SyncEffect> Report(WorkerReport report) => Take(new SyncCommand.Reported(report, _now));

    private ImmutableArray<SyncEffect> Take(SyncCommand command)
    {
        (_state, var effects) = _state.Decide(command);
        return effects;
    }

    // Records compare arrays by reference.
    private sealed class SameSnapshot : IEqualityComparer<SyncEffect>
    {
        public bool Equals(SyncEffect? one, SyncEffect? other) =>
            one is SyncEffect.SnapshotRanksGone a && other is SyncEffect.SnapshotRanksGone b && a.Step == b.Step && a.Ranks.SequenceEqual(b.Ranks);

        public int GetHashCode(SyncEffect effect) => 0;
    }
}
