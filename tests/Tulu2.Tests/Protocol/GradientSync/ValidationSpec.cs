using System.Collections.Immutable;
using Tulu2.Collectives.Layout;
using Tulu2.Protocol.GradientSync;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Validation;
using Tulu2.Protocol.Workers;
using Xunit;

namespace Tulu2.Tests.Protocol.GradientSync;

/// <summary>Two ranks at the validation of step 1, as the supervisor sees them.</summary>
public sealed class ValidationSpec
{
    private static readonly ProgressLease Lease = new(TimeSpan.FromMinutes(15), TimeSpan.FromMinutes(2), 8);

    private GradientSyncState _state = GradientSyncState.Of(
        new SyncRules(new ParallelLayout(2), Slots: 2, LastStep: new StepNumber(9), CheckpointEvery: 0)
        {
            Validation = new ValidationRules("loss", Every: 1, Patience: 0, KeepBest: true, HigherIsBetter: false),
        },
        new SyncStart(default, null, ImmutableDictionary<StepNumber, string>.Empty, ReferenceDue: false), Lease);

    private TimeSpan _now;

    public ValidationSpec()
    {
        foreach (var rank in Rank.All(2)) Take(new SyncCommand.RankUp(rank, new Incarnation(1), "fake", _now));
        foreach (var rank in Rank.All(2)) Report(new WorkerReport.Joined(new Generation(1), rank, new StepNumber(-1), [], null));
        Pass(1);
        foreach (var rank in Rank.All(2))
            Report(new WorkerReport.StepReady(new Generation(1), rank, new StepNumber(1), "hash", new StepMetrics(1, 1, 1, 1, 1, []), new StepTimes(0, 0, 0, 0, 0, 0)));
        Assert.IsType<SyncPhase.Validating>(_state.Phase);
    }

    [Fact]
    public void A_rank_that_does_not_come_to_the_step_is_replaced_and_one_that_waits_is_not()
    {
        Applied(0);
        Pass(1000);
        Assert.Equal(1, Assert.Single(Take(new SyncCommand.Tick(_now)).OfType<SyncEffect.Restart>()).Rank);
    }

    [Fact]
    public void Ranks_of_which_none_scores_meet_anew_and_one_that_is_slow_keeps_the_others()
    {
        Applied(0);
        Applied(1);
        for (var minute = 0; minute < 30; minute++)
        {
            Pass(60);
            Take(new SyncCommand.Scored(new Rank(1), _now));
            Assert.Empty(Take(new SyncCommand.Tick(_now)));
        }
        Pass(1000);
        Assert.Contains(Take(new SyncCommand.Tick(_now)), effect => effect is SyncEffect.GenerationOpened { Why: "the validation of step 1 made no progress" });
    }

    [Fact]
    public void A_checkpoint_of_the_best_that_does_not_come_opens_a_generation_in_which_it_is_taken_again()
    {
        Applied(0);
        Applied(1);
        Assert.Contains(Take(new SyncCommand.Validated(new StepNumber(1), 2.5, _now)), effect => effect is SyncEffect.SnapshotBegun { Step.Value: 1 });
        var effects = Take(new SyncCommand.SnapshotSettled(new StepNumber(1), null, "not in time", Lost: true, _now));
        Assert.Equal(new Generation(2), Assert.Single(effects.OfType<SyncEffect.GenerationOpened>()).Generation);
        foreach (var rank in Rank.All(2)) effects = Report(new WorkerReport.Joined(new Generation(2), rank, new StepNumber(1), [], null));
        Assert.All(effects.OfType<SyncEffect.Tell>(), tell => Assert.IsType<WorkerCommand.Restore>(tell.Command));
        Applied(0, generation: 2);
        Assert.Contains(Applied(1, generation: 2), effect => effect is SyncEffect.SnapshotBegun { Step.Value: 1 });
    }

    [Fact]
    public void A_stop_takes_the_chunks_from_all_ranks_before_they_end()
    {
        Applied(0);
        Applied(1);
        Assert.Single(Take(new SyncCommand.Stop(_now)).OfType<SyncEffect.GenerationOpened>());
        foreach (var rank in Rank.All(2)) Report(new WorkerReport.Joined(new Generation(2), rank, new StepNumber(1), [], null));
        Applied(0, generation: 2);
        Assert.Contains(Applied(1, generation: 2), effect => effect is SyncEffect.SnapshotBegun { Step.Value: 1 });
        var effects = Take(new SyncCommand.SnapshotSettled(new StepNumber(1), "one", null, false, _now));
        Assert.All(effects.OfType<SyncEffect.Tell>(), tell => Assert.Equal(AfterCommit.End, Assert.IsType<WorkerCommand.Commit>(tell.Command).Then));
        foreach (var rank in Rank.All(2)) effects = Report(new WorkerReport.Applied(new Generation(2), rank, new StepNumber(1), 0, AfterCommit.End, "sha"));
        Assert.Equal(new SyncEffect.Finished(new StepNumber(1), "sha", "one", Cancelled: true), Assert.Single(effects));
    }

    private ImmutableArray<SyncEffect> Applied(int rank, int generation = 1) =>
        Report(new WorkerReport.Applied(new Generation(generation), new Rank(rank), new StepNumber(1), 0, AfterCommit.Wait, null));

    private void Pass(int seconds) => _now += TimeSpan.FromSeconds(seconds);

    private ImmutableArray<SyncEffect> Report(WorkerReport report) => Take(new SyncCommand.Reported(report, _now));

    private ImmutableArray<SyncEffect> Take(SyncCommand command)
    {
        (_state, var effects) = _state.Decide(command);
        return effects;
    }
}
