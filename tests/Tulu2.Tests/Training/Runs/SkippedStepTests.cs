using Tulu2.Checkpoints;
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

/// <summary>Steps that are not finite, where the recipe passes over them: on every layout, and however the run comes to them, it ends with the same bits.</summary>
public sealed class SkippedStepTests : IDisposable
{
    private const int Steps = 4;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(Objective.Sft, Precision.Fp32, float.NaN, true)]
    [InlineData(Objective.Dpo, Precision.Bf16, float.PositiveInfinity, false)]
    public void Every_layout_skips_the_same_steps_and_ends_with_the_same_parameters(Objective objective, Precision precision, float value, bool loss)
    {
        var settings = Settings(LayoutRun.Settings(objective, precision, Steps));
        using var one = new TestSupervisor(settings, 1, Broken(settings, value, loss));
        var hash = one.Run(Steps);
        Assert.Equal([2, 3], one.Skipped.Keys);
        Assert.Equal([5], one.Skipped[2].Slots.Select(slot => slot.Value));
        Assert.Equal([0, 5], one.Skipped[3].Slots.Select(slot => slot.Value));
        Assert.StartsWith(loss ? "the loss (first in slot 5) is NaN" : "the gradient norm (first in slot 5) is ", one.Skipped[2].What);
        ParallelLayout[] layouts = [new(2), new(3), new(1, tensor: 2), new(1, pipeline: 2), new(2, zero: 2), new(2, tensor: 2, pipeline: 2, zero: 2)];
        foreach (var layout in layouts)
        {
            using var supervisor = new TestSupervisor(settings, layout, Broken(settings, value, loss)) { Standby = layout.MayKeepCopies };
            Assert.True(hash == supervisor.Run(Steps), $"{layout}");
            Assert.Equal(one.Steps, supervisor.Steps);
            Assert.Equal(Texts(one), Texts(supervisor));
        }
    }

    [Fact]
    public void A_skipped_step_keeps_parameters_and_moments_and_the_schedule_goes_on()
    {
        var directory = Path.Combine(_folder.Root, "checkpoints");
        var settings = Settings(LayoutRun.Settings(Objective.Sft, Precision.Fp32, Steps, directory));
        // Shards are named by their content: parameters and moments.
        string[] After(int steps, Func<SlotBatch, float?> breaks)
        {
            using var supervisor = new TestSupervisor(settings, 1, BrokenSlots.Of(EmbeddedWorkerFactory.ComputerOf(settings), breaks));
            supervisor.Run(steps, checkpoint: true);
            Assert.Equal(Enumerable.Range(1, steps).Select(settings.Plan.Tokens), supervisor.Steps.Values.Select(step => step.Metrics.Tokens));
            return [.. new CheckpointStore(directory).Read(supervisor.Checkpoint!.Path).Shards.Select(shard => shard.Sha256)];
        }
        Assert.Equal(After(2, _ => null), After(4, batch => batch is { Step: > 2, Slot: 1 } ? float.NaN : null));
        Assert.NotEqual(After(2, _ => null), After(4, batch => batch is { Step: 3, Slot: 1 } ? float.NaN : null));
    }

    [Fact]
    public void A_run_that_loses_every_copy_or_is_resumed_skips_again_and_ends_with_the_same_bits()
    {
        var settings = Settings(LayoutRun.Settings(Objective.Sft, Precision.Fp32, Steps, Path.Combine(_folder.Root, "checkpoints")));
        string hash;
        using (var quiet = new TestSupervisor(settings, 1, Broken(settings, float.NaN, loss: true))) hash = quiet.Run(Steps);

        // The only rank is lost after the skipped steps: they are made again, and have the hashes they had. The first load is that of the beginning.
        var faults = new FaultPlan().FailAt(new Rank(0), new StepNumber(4), new SlotNumber(1));
        using (var replaying = new TestSupervisor(settings with { Faults = faults }, 1, Broken(settings, float.NaN, loss: true)))
        {
            Assert.Equal(hash, replaying.Run(Steps));
            Assert.Equal((2, 0), (replaying.Loads, faults.Pending));
        }

        // A commit of a skipped step that reaches some ranks, or none, and another supervisor: the others pass over it by themselves.
        using (var taken = new TestSupervisor(settings, new ParallelLayout(2, zero: 2), Broken(settings, float.NaN, loss: true)) { Standby = true })
            Assert.Equal(hash, taken.Run(Steps, commitTo: step => step == 2 ? [new Rank(1)] : step == 3 ? [] : null));

        // Ranks that are lost before and after they pass over it get the state from a standby copy, which has passed over it too.
        var lost = new FaultPlan().FailBeforeApply(new Rank(0), new StepNumber(2)).FailBeforeApplied(new Rank(1), new StepNumber(3));
        using (var standing = new TestSupervisor(settings with { Faults = lost }, new ParallelLayout(1, tensor: 2), Broken(settings, float.NaN, loss: true)) { Standby = true })
        {
            Assert.Equal(hash, standing.Run(Steps));
            Assert.Equal((2, 0), (standing.Loads, lost.Pending));
        }

        // From the checkpoint of a skipped step, on another layout.
        KnownManifest checkpoint;
        using (var first = new TestSupervisor(settings, new ParallelLayout(2), Broken(settings, float.NaN, loss: true)))
        {
            first.Run(2, checkpoint: true);
            checkpoint = first.Checkpoint!;
        }
        using var resumed = new TestSupervisor(settings, new ParallelLayout(1, pipeline: 2), Broken(settings, float.NaN, loss: true));
        Assert.Equal(hash, resumed.Run(Steps, start: checkpoint));
        Assert.Equal([3], resumed.Skipped.Keys);
    }

    [Fact]
    public void Adapters_are_passed_over_likewise()
    {
        var settings = Settings(AdapterRunTests.Adapted(() => LayoutRun.Settings(Objective.Sft, Precision.Fp32, Steps), quantized: false));
        using var one = new TestSupervisor(settings, 1, Broken(settings, float.NaN, loss: true));
        var hash = one.Run(Steps);
        Assert.Equal([2, 3], one.Skipped.Keys);
        using var two = new TestSupervisor(settings, new ParallelLayout(1, tensor: 2), Broken(settings, float.NaN, loss: true));
        Assert.Equal(hash, two.Run(Steps));
        Assert.Equal(one.Steps, two.Steps);
    }

    private static WorkerSettings Settings(WorkerSettings settings) => settings with { Recipe = settings.Recipe with { OnNonfinite = OnNonfinite.SkipStep } };

    // Slot 5 of step 2; slots 0 and 5 of step 3.
    private static SlotComputerOf Broken(WorkerSettings settings, float value, bool loss) => BrokenSlots.Of(
        EmbeddedWorkerFactory.ComputerOf(settings), batch => batch is { Step: 2, Slot: 5 } or { Step: 3, Slot: 0 or 5 } ? value : null, loss);

    private static IEnumerable<(int, string, string)> Texts(TestSupervisor run) =>
        run.Skipped.Select(step => (step.Key, step.Value.What, string.Join(",", step.Value.Slots)));
}
