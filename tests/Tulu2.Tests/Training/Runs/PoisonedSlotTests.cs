using Tulu2.Collectives.Layout;
using Tulu2.Data.Slots;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;
using Tulu2.Tests.Training.Workers;
using Tulu2.Training.Hosting;
using Tulu2.Training.Recipes;
using Tulu2.Training.Slots;
using Tulu2.Training.Workers;
using Xunit;
using static TorchSharp.torch;

namespace Tulu2.Tests.Training.Runs;

/// <summary>Slots that end every worker that computes them are left out, and the run ends with the same bits on every layout, and after a resume.</summary>
public class PoisonedSlotTests
{
    private const int Steps = 3;

    [Theory]
    [InlineData(Objective.Sft, Precision.Fp32)]
    [InlineData(Objective.Dpo, Precision.Bf16)]
    [InlineData(Objective.Kto, Precision.Fp32)]
    public void Every_layout_leaves_out_the_same_slots_and_ends_with_the_same_parameters(Objective objective, Precision precision)
    {
        var settings = Settings(LayoutRun.Settings(objective, precision, Steps));
        using var one = new TestSupervisor(settings, 1, Poisoned(settings)) { MostDeaths = 3 };
        var hash = one.Run(Steps);
        StepSlot[] left = [new(new StepNumber(2), new SlotNumber(0)), new(new StepNumber(2), new SlotNumber(7))];
        Assert.Equal(left, one.Quarantined);
        Assert.All(one.Steps.Values, step => Assert.True(double.IsFinite(step.Metrics.Loss)));
        ParallelLayout[] layouts = [new(2), new(1, tensor: 2), new(1, pipeline: 2), new(2, tensor: 2, pipeline: 2, zero: 2)];
        foreach (var layout in layouts)
        {
            using var supervisor = new TestSupervisor(settings, layout, Poisoned(settings)) { MostDeaths = 3, Standby = layout.MayKeepCopies };
            Assert.True(hash == supervisor.Run(Steps), $"{layout}");
            Assert.Equal(left, supervisor.Quarantined.OrderBy(slot => slot.Slot.Value));
            Assert.Equal(one.Steps, supervisor.Steps);
        }
    }

    [Fact]
    public void It_is_the_run_without_the_gradients_of_these_slots_and_the_others_are_divided_by_what_they_were()
    {
        var settings = Settings(LayoutRun.Settings(Objective.Sft, Precision.Fp32, Steps));
        using var poisoned = new TestSupervisor(settings, 1, Poisoned(settings)) { MostDeaths = 3 };
        var hash = poisoned.Run(Steps);
        using var zeros = new TestSupervisor(settings, 1, BrokenSlots.Of(EmbeddedWorkerFactory.ComputerOf(settings), batch => IsPoisoned(batch) ? 0 : null));
        Assert.Equal(zeros.Run(Steps), hash);
        Assert.Equal(zeros.Steps[2].Metrics, poisoned.Steps[2].Metrics);
    }

    [Fact]
    public void A_later_supervisor_and_a_lost_rank_leave_it_out_without_another_death()
    {
        var settings = Settings(LayoutRun.Settings(Objective.Sft, Precision.Fp32, Steps));
        using var quiet = new TestSupervisor(settings, 1, Poisoned(settings)) { MostDeaths = 3 };
        var hash = quiet.Run(Steps);
        // The only rank is lost after the step: it is made again from the recipe's weights. Then another supervisor takes over.
        var faults = new FaultPlan().FailAt(new Rank(0), new StepNumber(3), new SlotNumber(1));
        using var replaying = new TestSupervisor(settings with { Faults = faults }, 1, Poisoned(settings)) { MostDeaths = 3 };
        Assert.Equal(hash, replaying.Run(Steps, commitTo: step => step == 2 ? [] : null));
        Assert.Equal((7, 2, 0), (replaying.Failures.Count, replaying.Quarantined.Count, faults.Pending));
    }

    [Fact]
    public void Without_it_in_the_recipe_the_third_death_ends_the_run()
    {
        var settings = LayoutRun.Settings(Objective.Sft, Precision.Fp32, Steps);
        using var stopping = new TestSupervisor(settings, 2, Poisoned(settings)) { MostDeaths = 3 };
        Assert.Contains("slot 0 of step 2 ended its workers 3 times (rank 0: ", Assert.ThrowsAny<Exception>(() => stopping.Run(Steps)).Message);
    }

    private static bool IsPoisoned(SlotBatch batch) => batch is { Step: 2, Slot: 0 or 7 };

    private static WorkerSettings Settings(WorkerSettings settings) => settings with { Recipe = settings.Recipe with { OnPoisonedSlot = OnPoisonedSlot.Quarantine } };

    private static SlotComputerOf Poisoned(WorkerSettings settings)
    {
        var inner = EmbeddedWorkerFactory.ComputerOf(settings);
        return (state, group) => new PoisonedSlots(inner(state, group), IsPoisoned);
    }

    /// <summary>The first stage cannot compute some slots, nor score what belongs to them.</summary>
    private sealed class PoisonedSlots(ISlotComputer inner, Func<SlotBatch, bool> ends) : ISlotComputer
    {
        public Tensor Stream(SlotBatch batch) => inner.Stream(batch);

        public ISlotPass Forward(SlotBatch batch, Tensor? input_SD, bool keep, bool frozenOnly = false) =>
            input_SD is null && ends(batch) ? throw new InvalidOperationException($"slot {batch.Slot} is poison") : inner.Forward(batch, input_SD, keep, frozenOnly);

        public double[] LogRatios(SlotBatch mismatched, float[] scores) => inner.LogRatios(mismatched, scores);

        public (double Loss, NamedValues More) Summarize(int step, IReadOnlyList<double[]> figures) => inner.Summarize(step, figures);

        public void Dispose() => inner.Dispose();
    }
}
