using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Tulu2.Collectives.Layout;
using Tulu2.Protocol.Ids;
using Tulu2.Tests.Training.Workers;
using Tulu2.Training.Recipes;
using Tulu2.Training.Workers;
using Xunit;

namespace Tulu2.Tests.Training.Runs;

/// <summary>Runs that train adapters end with the same bits, however many ranks computed them and whatever failed.</summary>
public class AdapterRunTests
{
    private static readonly LoraRecipe Dropped = new() { Rank = 6, Alpha = 16, Dropout = 0.2 };
    private static readonly LoraRecipe Quantized = new() { Rank = 8, Dropout = 0.1, Quantize = Quantization.Nf4, Targets = ["q_proj", "v_proj", "gate_proj", "down_proj"] };

    private static readonly bool IsSweep = Environment.GetEnvironmentVariable("TULU2_SWEEP_STEPS") is { Length: > 0 };

    public static TheoryData<Objective, Precision, bool> Kinds => new()
    {
        { Objective.Sft, Precision.Fp32, false },
        { Objective.Sft, Precision.Bf16, true },
        { Objective.Dpo, Precision.Fp32, true },
        { Objective.Dpo, Precision.Bf16, false },
    };

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Every_layout_ends_with_the_adapters_of_one_rank(Objective objective, Precision precision, bool quantized)
    {
        var settings = Adapted(() => LayoutRun.Settings(objective, precision, steps: 3), quantized);
        if (objective == Objective.Dpo) settings = TinyRun.WithReferences(settings);
        using var one = new TestSupervisor(settings, 1);
        var hash = one.Run(3);
        ParallelLayout[] layouts =
        [
            new(2), new(4), new(4, zero: 4), new(1, tensor: 2), new(1, tensor: 4), new(1, pipeline: 2), new(1, pipeline: 4), new(2, zero: 2),
            new(2, tensor: 2, pipeline: 2, zero: 2),
        ];
        // Of the adapters' two forms each takes every second layout for each objective; the sweep takes all.
        var turn = (objective == Objective.Dpo) == quantized ? 0 : 1;
        foreach (var layout in layouts.Where((_, index) => IsSweep || index % 2 == turn))
        {
            using var supervisor = new TestSupervisor(settings, layout);
            Assert.True(hash == supervisor.Run(3), $"{layout}");
        }
        foreach (var recompute in IsSweep ? (bool[])[true, false] : [quantized])
        {
            var other = settings with
            {
                Recipe = settings.Recipe with
                {
                    Model = settings.Recipe.Model with { Recompute = recompute },
                    Parallel = settings.Recipe.Parallel with { SplitActivations = true, Overlap = recompute },
                },
                DeviceOverride = recompute != quantized ? null : new TorchSharp.torch.Device(TorchSharp.DeviceType.CPU),
            };
            using var supervisor = new TestSupervisor(other, new ParallelLayout(2, tensor: 2, pipeline: 2));
            Assert.True(hash == supervisor.Run(3), $"recompute {recompute}");
        }
    }

    [Property(MaxTest = 8)]
    public Property Faults_at_random_change_nothing() => Prop.ForAll(Schedule.Draw(5, TinyRun.Steps), Gen.Elements(true, false).ToArbitrary(), (schedule, quantized) =>
    {
        var (settings, hash) = (quantized ? TinyQuantized : TinyDropped).Value;
        using var supervisor = new TestSupervisor(settings with { Faults = schedule.Plan() }, schedule.Layout);
        return supervisor.Run(TinyRun.Steps) == hash;
    });

    private static readonly Lazy<(WorkerSettings, string)> TinyDropped = new(() => Of(false)), TinyQuantized = new(() => Of(true));

    private static (WorkerSettings, string) Of(bool quantized)
    {
        var settings = Adapted(() => TinyRun.Settings(quantized ? Objective.Dpo : Objective.Sft, Precision.Fp32), quantized);
        if (quantized) settings = TinyRun.WithReferences(settings);
        using var supervisor = new TestSupervisor(settings, 1);
        return (settings, supervisor.Run(TinyRun.Steps));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_run_resumed_from_a_checkpoint_on_other_ranks_ends_with_the_same_adapters(bool quantized)
    {
        var directory = Directory.CreateTempSubdirectory("tulu2-resume-");
        try
        {
            var (whole, hash) = (quantized ? TinyQuantized : TinyDropped).Value;
            var settings = whole with { CheckpointDirectory = directory.FullName };
            using var supervisor = new TestSupervisor(settings, 3);
            supervisor.Run(2, checkpoint: true);
            using var resumed = new TestSupervisor(settings with { Faults = new FaultPlan().FailAt(new Rank(0), new StepNumber(3), new SlotNumber(1)) }, 2);
            Assert.Equal(hash, resumed.Run(TinyRun.Steps, supervisor.Checkpoint));
        }
        finally
        {
            directory.Delete(true);
        }
    }

    [Theory]
    [InlineData(Precision.Fp32)]
    [InlineData(Precision.Bf16)]
    public void Dpo_begins_at_exactly_ln_2_since_new_adapters_add_nothing(Precision precision)
    {
        var settings = TinyRun.WithReferences(Adapted(() => TinyRun.Settings(Objective.Dpo, precision), quantized: true, dropout: 0));
        using var supervisor = new TestSupervisor(settings, 2);
        supervisor.Run(TinyRun.Steps);
        Assert.Equal(0.6931471805599453, supervisor.Steps[1].Metrics.Loss);
        Assert.True(supervisor.Steps[4].Metrics.Loss < 0.6931);
    }

    [Fact]
    public void Only_the_adapters_are_held_for_training()
    {
        var settings = Adapted(() => TinyRun.Settings(Objective.Sft, Precision.Bf16), quantized: true);
        Assert.All(settings.Parameters.Trained.Tensors, tensor => Assert.Contains(".lora_", tensor.Name, StringComparison.Ordinal));
        using var supervisor = new TestSupervisor(settings, 1);
        supervisor.Run(1);
        Assert.Equal(settings.Parameters.Trained.Tensors.Select(tensor => tensor.Name).Order(StringComparer.Ordinal), supervisor.Parameters().Select(tensor => tensor.Name).Order(StringComparer.Ordinal));
    }

    internal static WorkerSettings Adapted(Func<WorkerSettings> make, bool quantized, double? dropout = null)
    {
        var settings = make();
        var lora = quantized ? Quantized : Dropped;
        var recipe = settings.Recipe with { Lora = lora with { Dropout = dropout ?? lora.Dropout } };
        return settings with { Recipe = recipe, Parameters = RunParameters.Of(recipe, settings.Parameters.Config, settings.Parameters.VirtualShards), References = null };
    }
}
