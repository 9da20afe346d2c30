using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Tulu2.Collectives.Layout;
using Tulu2.Protocol.Ids;
using Tulu2.Tests.Training.Workers;
using Tulu2.Training.Recipes;
using Tulu2.Training.Steps;
using Tulu2.Training.Workers;
using Xunit;

namespace Tulu2.Tests.Training.Runs;

/// <summary>
/// Runs of KTO, whose steps begin with a value of all their rows: the same bits wherever it was computed, whatever failed before, in or after the pass that makes it.
/// </summary>
public class KtoRunTests
{
    private static readonly Lazy<(WorkerSettings Settings, string Hash)> Full = new(() => Undisturbed(null)), Adapted = new(() => Undisturbed(new LoraRecipe { Rank = 6, Dropout = 0.2 }));

    [Theory]
    [InlineData(Precision.Fp32, true)]
    [InlineData(Precision.Bf16, true)]
    [InlineData(Precision.Fp32, false)]
    public void A_run_begins_at_exactly_one_half_without_a_divergence(Precision precision, bool packing)
    {
        var settings = TinyRun.WithReferences(TinyRun.Settings(Objective.Kto, precision, packing: packing));
        using var supervisor = new TestSupervisor(settings, 2);
        supervisor.Run(TinyRun.Steps);
        // The first rate is 0.
        foreach (var step in new[] { 1, 2 })
        {
            var metrics = supervisor.Steps[step].Metrics;
            // Padded batches are as long as their longest sequence, which differs between a slot and the reference pass: there the last bits may differ.
            Assert.Equal(0.5, metrics.Loss, packing ? 0 : 1e-6);
            foreach (var name in new[] { "kl", "rewards_desirable", "rewards_undesirable" }) Assert.Equal(0, metrics.More[name], packing ? 0 : 1e-5);
            Assert.Equal(10, metrics.More["count_desirable"] + metrics.More["count_undesirable"]);
            Assert.True(metrics.More["logps_desirable"] < -1);
        }
        var last = supervisor.Steps[TinyRun.Steps].Metrics;
        Assert.True(last.Loss < 0.5);
        Assert.NotEqual(0, last.More["kl"]);
        Assert.True(last.More["rewards_margin"] > 0);
    }

    [Property(MaxTest = 10)]
    public Property Faults_at_random_change_nothing() => Prop.ForAll(Schedule.Draw(5, TinyRun.Steps, scores: true), Gen.Elements(true, false).ToArbitrary(), (schedule, adapted) =>
    {
        var (settings, hash) = (adapted ? Adapted : Full).Value;
        using var supervisor = new TestSupervisor(settings with { Faults = schedule.Plan() }, schedule.Layout);
        var partial = new HashSet<int>(schedule.PartialCommits);
        return supervisor.Run(TinyRun.Steps, commitTo: step => partial.Remove(step) ? [new Rank(step % schedule.Layout.Size)] : null) == hash;
    });

    [Theory]
    [InlineData(null)]
    [InlineData(3)]
    public void A_rank_lost_in_the_pass_before_the_slots_is_replaced_and_the_pass_made_anew(int? slot)
    {
        var (settings, hash) = Full.Value;
        var faults = new FaultPlan().FailBeforeScore(new Rank(1), new StepNumber(2), slot is { } number ? new SlotNumber(number) : null);
        using var supervisor = new TestSupervisor(settings with { Faults = faults }, 2);
        Assert.Equal(hash, supervisor.Run(TinyRun.Steps));
        Assert.Equal(0, faults.Pending);
        Assert.Single(supervisor.Failures);
        // No slot was computed twice: none can be before the pass.
        Assert.Equal(TinyRun.Steps * 5, supervisor.SlotsComputed);
    }

    [Fact]
    public void A_replacement_learns_the_value_from_the_ranks_that_hold_slots_computed_with_it()
    {
        var (settings, hash) = Full.Value;
        var faults = new FaultPlan().FailAt(new Rank(1), new StepNumber(2), new SlotNumber(4)).FailBeforeReduce(new Rank(0), new StepNumber(3));
        using var supervisor = new TestSupervisor(settings with { Faults = faults }, 2);
        Assert.Equal(hash, supervisor.Run(TinyRun.Steps));
        Assert.Equal(0, faults.Pending);
        Assert.Equal(2, supervisor.Failures.Count);
        Assert.True(supervisor.SlotsComputed < (TinyRun.Steps + 2) * 5);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_run_resumed_from_a_checkpoint_on_other_ranks_ends_with_the_same_parameters(bool adapted)
    {
        var directory = Directory.CreateTempSubdirectory("tulu2-resume-");
        try
        {
            var (whole, hash) = (adapted ? Adapted : Full).Value;
            var settings = whole with { CheckpointDirectory = directory.FullName };
            using var supervisor = new TestSupervisor(settings, 3);
            supervisor.Run(2, checkpoint: true);
            using var resumed = new TestSupervisor(settings with { Faults = new FaultPlan().FailBeforeScore(new Rank(0), new StepNumber(3), null) }, 2);
            Assert.Equal(hash, resumed.Run(TinyRun.Steps, supervisor.Checkpoint));
        }
        finally
        {
            directory.Delete(true);
        }
    }

    [Fact]
    public void Sums_on_another_device_and_no_overlap_change_no_bit()
    {
        var (settings, hash) = Full.Value;
        foreach (var overlap in (bool[])[true, false])
        {
            var other = settings with
            {
                Recipe = settings.Recipe with { Parallel = settings.Recipe.Parallel with { Overlap = overlap }, Model = settings.Recipe.Model with { Recompute = !overlap } },
                DeviceOverride = overlap ? null : new TorchSharp.torch.Device(TorchSharp.DeviceType.CPU),
            };
            using var supervisor = new TestSupervisor(other, new ParallelLayout(2, pipeline: 2, zero: 2));
            Assert.Equal(hash, supervisor.Run(TinyRun.Steps));
        }
    }

    [Fact]
    public void Adapters_end_with_the_same_bits_on_every_layout()
    {
        var settings = LayoutRun.Settings(Objective.Kto, Precision.Bf16, steps: 3);
        settings = TinyRun.WithReferences(WithAdapters(settings, new LoraRecipe { Rank = 8, Dropout = 0.1, Quantize = Quantization.Nf4 }));
        using var one = new TestSupervisor(settings, 1);
        var hash = one.Run(3);
        foreach (var layout in (ParallelLayout[])[new(4, zero: 4), new(2, tensor: 2, pipeline: 2, zero: 2)])
        {
            using var supervisor = new TestSupervisor(settings, layout);
            Assert.True(hash == supervisor.Run(3), $"{layout}");
            Assert.Equal(one.Steps.Values.Select(step => (step.Metrics.Loss, step.Metrics.More)), supervisor.Steps.Values.Select(step => (step.Metrics.Loss, step.Metrics.More)));
        }
    }

    [Fact]
    public void Slot_gradients_that_are_held_without_the_value_that_they_were_computed_with_are_a_fault()
    {
        var divergence = new StepDivergence(slots: 4, TimeSpan.FromSeconds(1));
        Assert.Throws<InvalidOperationException>(() => divergence.Start([2, 3], isLast: true, holds: true));
        // Ranks of other stages never know it.
        divergence.Start([2, 3], isLast: false, holds: true);
        Assert.Equal((false, 2), (divergence.IsDone, divergence.Needs));
        divergence.Drop();
        Assert.True(divergence.IsDone);
    }

    private static (WorkerSettings, string) Undisturbed(LoraRecipe? lora)
    {
        var settings = TinyRun.Settings(Objective.Kto, Precision.Fp32);
        settings = TinyRun.WithReferences(lora is null ? settings : WithAdapters(settings, lora));
        using var supervisor = new TestSupervisor(settings, 1);
        return (settings, supervisor.Run(TinyRun.Steps));
    }

    private static WorkerSettings WithAdapters(WorkerSettings settings, LoraRecipe lora)
    {
        var recipe = settings.Recipe with { Lora = lora };
        return settings with { Recipe = recipe, Parameters = RunParameters.Of(recipe, settings.Parameters.Config, settings.Parameters.VirtualShards), References = null };
    }
}
