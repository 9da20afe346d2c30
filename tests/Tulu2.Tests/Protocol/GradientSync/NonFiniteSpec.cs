using System.Collections.Immutable;
using Tulu2.Collectives.Layout;
using Tulu2.Protocol.GradientSync;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Outcomes;
using Tulu2.Protocol.Workers;
using Xunit;

namespace Tulu2.Tests.Protocol.GradientSync;

/// <summary>What the supervisor does with a step that is not finite, by its pure state alone.</summary>
public sealed class NonFiniteSpec
{
    private static readonly StepFault Fault = new("the loss (first in slot 1) is NaN", [new SlotNumber(1)]);

    private GradientSyncState _state = null!;

    [Fact]
    public void A_step_that_is_not_finite_ends_the_run_and_nobody_is_told_to_apply_it()
    {
        Begin(skips: false);
        Assert.Single(Step(1, null).OfType<SyncEffect.Committed>());
        var effects = Step(2, Fault);
        Assert.DoesNotContain(effects, effect => effect is SyncEffect.Committed or SyncEffect.Tell { Command: WorkerCommand.Commit });
        var failure = Assert.Single(effects.OfType<SyncEffect.Failed>()).Failure;
        Assert.Equal("step 2: the loss (first in slot 1) is NaN; the step was not applied", failure.Error);
        // Nothing that the user gave is at fault: exit code 1. The log has the rows.
        Assert.Equal((null, NonFiniteStepException.SkipFix, "slot 1: the rows of step 2"), (failure.BadInputWhere, failure.BadInputFix, failure.Detail));
        Assert.IsType<SyncPhase.Over>(_state.Phase);
    }

    [Fact]
    public void By_recipe_it_is_committed_as_skipped_with_its_rows_in_a_warning()
    {
        Begin(skips: true);
        var effects = Step(1, Fault);
        Assert.Equal(Fault, Assert.Single(effects.OfType<SyncEffect.Committed>()).Step.Skipped);
        Assert.Equal(2, effects.Count(effect => effect is SyncEffect.Tell { Command: WorkerCommand.Commit { Step.Value: 1 } }));
        var warning = Assert.Single(effects.OfType<SyncEffect.Warned>()).Text;
        Assert.StartsWith("step 1 is skipped: the loss (first in slot 1) is NaN; slot 1: the rows of step 1. ", warning);
        Assert.Contains("(1 so far, 1 in a row)", warning);
        effects = Step(2, null);
        Assert.Null(Assert.Single(effects.OfType<SyncEffect.Committed>()).Step.Skipped);
        Assert.DoesNotContain(effects, effect => effect is SyncEffect.Warned);
        Assert.Contains("(2 so far, 1 in a row)", Step(3, new StepFault("the gradient norm is Infinity", [])).OfType<SyncEffect.Warned>().Single().Text);
    }

    [Fact]
    public void The_tenth_in_a_row_ends_the_run_and_one_that_is_finite_makes_the_count_start_anew()
    {
        Begin(skips: true);
        for (var step = 1; step <= 9; step++) Assert.Single(Step(step, Fault).OfType<SyncEffect.Committed>());
        Step(10, null);
        for (var step = 11; step <= 19; step++) Assert.Single(Step(step, Fault).OfType<SyncEffect.Committed>());
        var effects = Step(20, Fault);
        Assert.DoesNotContain(effects, effect => effect is SyncEffect.Committed);
        var failure = Assert.Single(effects.OfType<SyncEffect.Failed>()).Failure;
        Assert.StartsWith("step 20: the loss (first in slot 1) is NaN, and none of the 9 steps before it was finite", failure.Error);
        Assert.Null(failure.BadInputWhere);
        Assert.NotNull(failure.BadInputFix);
    }

    [Theory]
    [InlineData(9, true)]
    [InlineData(8, false)]
    public void Steps_that_an_earlier_life_skipped_count(int skipped, bool ends)
    {
        var steps = Enumerable.Range(20 - skipped, skipped).Select(step => new StepNumber(step));
        Begin(skips: true, at: 19, skipped: [new StepNumber(3), .. steps]);
        Assert.Equal(ends, Step(20, Fault).Any(effect => effect is SyncEffect.Failed));
    }

    [Fact]
    public void A_rank_that_alone_has_no_finite_sum_is_corrupt_and_replaced_whatever_the_recipe_says()
    {
        foreach (var skips in new[] { false, true })
        {
            Begin(skips, ranks: 3);
            var effects = Step(1, Fault, rank => rank == 2);
            Assert.Equal(2, Assert.Single(effects.OfType<SyncEffect.Restart>()).Rank);
            Assert.DoesNotContain(effects, effect => effect is SyncEffect.Failed or SyncEffect.Committed);
        }
    }

    private void Begin(bool skips, int at = 0, ImmutableHashSet<StepNumber>? skipped = null, int ranks = 2)
    {
        var rules = new SyncRules(new ParallelLayout(ranks), Slots: ranks, LastStep: new StepNumber(99), CheckpointEvery: 0)
        {
            SkipsNonFinite = skips,
            RowsOf = (step, _) => $"the rows of step {step}",
        };
        var manifest = at > 0 ? new KnownManifest("manifest", new StepNumber(at)) : null;
        _state = GradientSyncState.Of(
            rules, new SyncStart(default, manifest, ImmutableDictionary<StepNumber, string>.Empty, ReferenceDue: false) { Skipped = skipped ?? [] }, ProgressLease.Default);
        foreach (var seat in _state.Seats) Take(new SyncCommand.RankUp(seat.Rank, new Incarnation(1), "fake", default));
        foreach (var seat in _state.Seats) Report(new WorkerReport.Joined(new Generation(1), seat.Rank, new StepNumber(-1), [], null));
    }

    private List<SyncEffect> Step(int step, StepFault? fault, Func<Rank, bool>? breaks = null)
    {
        var effects = new List<SyncEffect>();
        foreach (var seat in _state.Seats)
        {
            var broken = breaks?.Invoke(seat.Rank) != false ? fault : null;
            effects.AddRange(Report(new WorkerReport.StepReady(new Generation(1), seat.Rank, new StepNumber(step), $"hash {step} {broken}",
                new StepMetrics(broken is null ? 1 : double.NaN, 1, 1, 1, 1, []), new StepTimes(0, 0, 0, 0))
            {
                Fault = broken,
            }));
        }
        return effects;
    }

    private ImmutableArray<SyncEffect> Report(WorkerReport report) => Take(new SyncCommand.Reported(report, default));

    private ImmutableArray<SyncEffect> Take(SyncCommand command)
    {
        (_state, var effects) = _state.Decide(command);
        return effects;
    }
}
