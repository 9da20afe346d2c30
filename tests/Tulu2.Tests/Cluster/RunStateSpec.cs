using Tulu2.Cluster.Ledger;
using Tulu2.Cluster.Runs;
using Tulu2.Protocol.Accounts;
using Tulu2.Protocol.Events;
using Tulu2.Protocol.GradientSync;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Outcomes;
using Tulu2.Protocol.Validation;
using Tulu2.Protocol.Workers;
using Xunit;

namespace Tulu2.Tests.Cluster;

/// <summary>What is made of a run's events: its state, its ledger and its log.</summary>
public sealed class RunStateSpec
{
    private static readonly RunEvent[] Events =
    [
        new RunEvent.HistoryLost("torn"),
        new RunEvent.RecipeChanged(new StepNumber(2), ["seed 1 -> 2"], true),
        new RunEvent.Started(false, "recipe", 4, 2, 8, 12, new StepNumber(0), null, new Dictionary<string, string>()),
        new RunEvent.PhaseChanged(RunPhase.Starting),
        new RunEvent.WaitingForPlaces(2),
        new RunEvent.RanksPlaced("node", [new Rank(0), new Rank(1)]),
        new RunEvent.GenerationOpened(new Generation(3), "the run begins", 2),
        new RunEvent.ReferenceProgressed(1, 4),
        new RunEvent.PhaseChanged(RunPhase.Training),
        Step(1, loss: 2),
        new RunEvent.RankLost(new Rank(1), "killed"),
        new RunEvent.CheckpointWritten(new StepNumber(1), "manifest", 0.5),
        new RunEvent.CheckpointsPruned(3),
        new RunEvent.CheckpointFailed(new StepNumber(1), "no room"),
        Step(2, loss: 1),
        new RunEvent.Validated(new StepNumber(2), [new NamedValue("loss", 1.5)], new ValidationVerdict(new StepNumber(2), true, false), 0.5),
        new RunEvent.ValidationKnown(new StepNumber(2), [new NamedValue("loss", 1.5)], new ValidationVerdict(new StepNumber(2), true, false)),
        new RunEvent.StepKnown(new StepNumber(2), new StepMetrics(1, 1, 1e-3, 100, 50, []), 0.5),
        new RunEvent.CheckpointMirrored(new StepNumber(2), "/second", 10, 0.5),
        new RunEvent.MirrorAwaited(new StepNumber(2), 1, 10),
        new RunEvent.StorageFailing("/second", "is full"),
        new RunEvent.StorageRecovered("/second", "has caught up"),
        new RunEvent.StopRequested(),
        new RunEvent.Warned("memory"),
        new RunEvent.RolledBack(new Rollback(new Generation(3), new StepNumber(2), new StepNumber(4), "the loss of step 4 is NaN")),
        new RunEvent.SlotQuarantined(new StepSlot(new StepNumber(3), new SlotNumber(1)), "rows 3, 4", "it ended 3 workers"),
        new RunEvent.Recovered(new Recovery(new Rank(1), new Generation(3), new StepNumber(2), 1, 2, 3, 4, 5, 6, 7)),
        new RunEvent.TimeAccounted(new AccountedTimes(10, [new ClassTimes(7, 1, 1, 1, 0, 0, 0)])),
        new RunEvent.EvaluationDue(new StepNumber(2), ["gsm8k"], 4),
        new RunEvent.EvaluationResumed(4, 4),
        new RunEvent.EvaluatorLost("evaluator", "killed"),
        new RunEvent.EvaluationProgressed(2, 4),
        new RunEvent.EvaluationAwaited(2, 1),
        new RunEvent.Evaluated(new StepNumber(2), "gsm8k", 0.5, "50.0 %", 4, true),
        new RunEvent.EvaluationFailed(new StepNumber(2), "mmlu", "no data"),
        new RunEvent.Finished(new StepNumber(2), RunEnd.Cancelled, "sha", null, "SIGINT"),
    ];

    private static RunEvent.StepCommitted Step(int step, double loss) =>
        new(new StepCommit(new Generation(3), new StepNumber(step), $"hash {step}", new StepMetrics(loss, 1, 1e-3, 100, 50, []), [], 0.5, Replayed: false));

    [Fact]
    public void A_skipped_step_has_no_loss_to_end_with()
    {
        RunEvent Skipped(int step) => new RunEvent.StepCommitted(Step(step, double.NaN).Step with { Skipped = new StepFault("the loss is NaN", []) });
        var state = new[] { Skipped(1), Step(2, loss: 2), Skipped(3) }.Aggregate(RunState.Of(new RunStart.FromRecipe()), (before, happened) => before.Apply(happened, TimeSpan.Zero));
        var outcome = state.Ended(RunEnd.Completed, new StepNumber(3), "sha", "last");
        Assert.Equal((3, (double?)2, (double?)2), (state.Step.Value, outcome.LossFirst, outcome.LossLast));
    }

    [Fact]
    public void A_state_is_the_fold_of_the_events()
    {
        var (state, now) = (RunState.Of(new RunStart.FromRecipe()), 0);
        foreach (var happened in Events) state = state.Apply(happened, TimeSpan.FromSeconds(++now));
        Assert.Equal((2, 3L, 0, "manifest"), (state.Step, state.Generation, state.Missing, state.Manifest));
        // Training began with the ninth event, and the fifteenth was the last step.
        Assert.Equal(new RunOutcome(RunEnd.Cancelled, 2, "sha", 2, 1, "last", 200, 6, null), state.Ended(RunEnd.Cancelled, new StepNumber(2), "sha", "last"));
    }

    [Fact]
    public void The_ledger_keeps_the_events_that_a_resume_needs()
    {
        Assert.Equal(
            ["RunStarted", "GenerationOpened", "StepCommitted", "RankFailed", "CheckpointWritten", "CheckpointsPruned", "CheckpointFailed", "StepCommitted", "Validated", "RolledBack", "SlotQuarantined", "Recovered", "TimeAccounted", "RunFinished"],
            Events.Select(LedgerEvents.Of).OfType<LedgerEvent>().Select(entry => entry.GetType().Name));
    }

    [Fact]
    public void Every_kind_of_event_is_tried() =>
        Assert.Equal(typeof(RunEvent).GetNestedTypes().Select(type => type.Name).Order(), Events.Select(happened => happened.GetType().Name).Distinct().Order());
}
