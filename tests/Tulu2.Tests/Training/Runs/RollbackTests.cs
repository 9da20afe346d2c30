using Tulu2.Collectives.Layout;
using Tulu2.Data.Slots;
using Tulu2.Protocol.GradientSync;
using Tulu2.Protocol.Ids;
using Tulu2.Tests.Data;
using Tulu2.Tests.Training.Workers;
using Tulu2.Training.Hosting;
using Tulu2.Training.Recipes;
using Tulu2.Training.Slots;
using Tulu2.Training.Workers;
using Xunit;

namespace Tulu2.Tests.Training.Runs;

/// <summary>Steps that take the run back: it ends with the bits of a run in which they and the steps before them changed nothing, on every layout and whatever is lost meanwhile.</summary>
public sealed class RollbackTests : IDisposable
{
    private const int Steps = 6;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(Objective.Sft, Precision.Fp32)]
    [InlineData(Objective.Dpo, Precision.Bf16)]
    [InlineData(Objective.Kto, Precision.Fp32)]
    public void Every_layout_goes_back_by_as_many_steps_and_ends_with_the_parameters_of_a_run_that_skipped_them(Objective objective, Precision precision)
    {
        var settings = LayoutRun.Settings(objective, precision, Steps);
        var hash = WithoutSteps3And4(settings);
        settings = RollingBack(settings);
        ParallelLayout[] layouts = [new(1), new(3), new(1, tensor: 2), new(1, pipeline: 2), new(2, tensor: 2, pipeline: 2, zero: 2)];
        foreach (var layout in layouts)
        {
            using var supervisor = new TestSupervisor(settings, layout, Broken(settings, batch => batch is { Step: 4, Slot: 5 })) { RollbackSteps = 2, Standby = layout.MayKeepCopies, CheckEvery = 2 };
            Assert.True(hash == supervisor.Run(Steps), $"{layout}");
            var rollback = Assert.Single(supervisor.Rollbacks);
            Assert.Equal((2, 4), (rollback.To.Value, rollback.Through.Value));
            Assert.Equal([3, 4], supervisor.Skipped.Keys);
        }
    }

    [Fact]
    public void A_loss_that_is_a_spike_does_the_same_and_one_within_the_factor_does_not()
    {
        var settings = LayoutRun.Settings(Objective.Sft, Precision.Fp32, Steps);
        var hash = WithoutSteps3And4(settings);
        SlotComputerOf spiked = BrokenSlots.Of(EmbeddedWorkerFactory.ComputerOf(settings), batch => batch is { Step: 4, Slot: 5 } ? 1e6f : null);
        using var supervisor = new TestSupervisor(settings, new ParallelLayout(2), spiked) { RollbackSteps = 2, Spike = new SpikeRule(10, 3) };
        Assert.Equal(hash, supervisor.Run(Steps));
        Assert.Contains("of step 4 is more than 10 times the median of the 3 steps before", Assert.Single(supervisor.Rollbacks).Why);
        using var calm = new TestSupervisor(settings, new ParallelLayout(2), spiked) { RollbackSteps = 2, Spike = new SpikeRule(1e9, 3) };
        calm.Run(Steps);
        Assert.Empty(calm.Rollbacks);
    }

    [Fact]
    public void Losses_of_ranks_and_supervisors_before_and_after_it_change_no_bit()
    {
        var settings = LayoutRun.Settings(Objective.Sft, Precision.Fp32, Steps);
        var hash = WithoutSteps3And4(settings);
        var faults = new FaultPlan().FailAt(new Rank(1), new StepNumber(2), new SlotNumber(5)).FailBeforeApply(new Rank(0), new StepNumber(3)).FailAt(new Rank(0), new StepNumber(5), new SlotNumber(1))
            .FailBeforeApplied(new Rank(1), new StepNumber(6));
        settings = RollingBack(settings) with { Faults = faults };
        foreach (var layout in new ParallelLayout[] { new(2), new(2, zero: 2) })
        {
            using var supervisor = new TestSupervisor(settings, layout, Broken(settings, batch => batch is { Step: 4, Slot: 5 })) { RollbackSteps = 2, Standby = true };
            // A commit of before that reaches nobody, and one of a step that is passed over.
            Assert.Equal(hash, supervisor.Run(Steps, commitTo: step => step == 1 ? [] : step == 4 ? [new Rank(1)] : null));
            Assert.Single(supervisor.Rollbacks);
        }
        Assert.Equal(0, faults.Pending);
    }

    [Fact]
    public void Steps_between_the_checkpoint_and_the_first_that_is_undone_are_made_again_with_the_same_bits()
    {
        var settings = LayoutRun.Settings(Objective.Sft, Precision.Fp32, Steps, Path.Combine(_folder.Root, "checkpoints"));
        var hash = WithoutSteps3And4(settings);
        KnownManifest checkpoint;
        using (var first = new TestSupervisor(settings, 1))
        {
            first.Run(1, checkpoint: true);
            checkpoint = first.Checkpoint!;
        }
        settings = RollingBack(settings);
        using var supervisor = new TestSupervisor(settings, 2, Broken(settings, batch => batch is { Step: 4, Slot: 5 })) { RollbackSteps = 2 };
        Assert.Equal(hash, supervisor.Run(Steps, start: checkpoint));
        // The beginning, and the way back.
        Assert.Equal((4, 1), (supervisor.Loads, supervisor.Rollbacks.Count));
    }

    [Fact]
    public void A_run_that_is_taken_back_too_often_ends()
    {
        var settings = RollingBack(LayoutRun.Settings(Objective.Sft, Precision.Fp32, 14));
        using var supervisor = new TestSupervisor(settings, 1, Broken(settings, batch => batch is { Step: > 1, Slot: 5 }));
        Assert.Contains("step 12: the loss (first in slot 5) is NaN; slot 5; the run was rolled back 10 times before", Assert.ThrowsAny<Exception>(() => supervisor.Run(14)).Message);
    }

    // What a rollback by two steps from the fourth comes to.
    private static string WithoutSteps3And4(WorkerSettings settings)
    {
        settings = settings with { Recipe = settings.Recipe with { OnNonfinite = OnNonfinite.SkipStep } };
        using var skipping = new TestSupervisor(settings, 1, Broken(settings, batch => batch is { Step: 3 or 4, Slot: 5 }));
        return skipping.Run(Steps);
    }

    private static WorkerSettings RollingBack(WorkerSettings settings) => settings with { Recipe = settings.Recipe with { OnNonfinite = OnNonfinite.Rollback } };

    private static SlotComputerOf Broken(WorkerSettings settings, Func<SlotBatch, bool> breaks) =>
        // A slot of KTO whose figures are not finite has another divergence than the others.
        BrokenSlots.Of(EmbeddedWorkerFactory.ComputerOf(settings), batch => breaks(batch) ? float.NaN : null, loss: settings.Recipe.Objective != Objective.Kto);
}
