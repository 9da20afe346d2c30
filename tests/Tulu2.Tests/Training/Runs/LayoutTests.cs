using System.Globalization;
using Tulu2.Collectives.Layout;
using Tulu2.Models.Parameters;
using Tulu2.Models.Torch;
using Tulu2.Tests.Training.Workers;
using Tulu2.Training.Hosting;
using Tulu2.Training.Recipes;
using Tulu2.Training.Workers;
using Xunit;
using static TorchSharp.torch;

namespace Tulu2.Tests.Training.Runs;

/// <summary>
/// Wherever ranks stand, a run ends with the parameters of one rank alone, to the last bit. Each layout with one of the six kinds of run, in turn;
/// <c>TULU2_SWEEP_STEPS=20</c> makes longer runs of all six, in a few minutes.
/// </summary>
public class LayoutTests
{
    private static readonly string? Sweep = Environment.GetEnvironmentVariable("TULU2_SWEEP_STEPS");
    /// <summary>Everything is tried, however long it takes.</summary>
    internal static bool IsSweep => Sweep is { Length: > 0 };

    private static readonly int Steps = IsSweep ? int.Parse(Sweep!, CultureInfo.InvariantCulture) : 3;

    private static readonly Dictionary<(Objective, Precision), Lazy<(WorkerSettings Settings, string Hash)>> One =
        (from objective in Enum.GetValues<Objective>()
         from precision in Enum.GetValues<Precision>()
         select (objective, precision)).ToDictionary(key => key, key => new Lazy<(WorkerSettings, string)>(() =>
         {
             var settings = LayoutRun.Settings(key.objective, key.precision, Steps);
             using var supervisor = new TestSupervisor(settings, 1);
             return (settings, supervisor.Run(Steps));
         }));

    public static TheoryData<string> Layouts => new(LayoutRun.All.Select(layout => $"{layout}"));

    [Theory]
    [MemberData(nameof(Layouts))]
    public void Every_layout_ends_with_the_parameters_of_one_rank(string name)
    {
        var (index, layout) = LayoutRun.All.Index().Single(layout => $"{layout.Item}" == name);
        foreach (var (kind, one) in IsSweep ? One : One.Skip(index % One.Count).Take(1))
        {
            var (settings, hash) = one.Value;
            using var supervisor = new TestSupervisor(settings, layout);
            Assert.True(hash == supervisor.Run(Steps), $"{kind}");
        }
    }

    /// <summary>A loss without reference, whose figures are of means per token, and one with everything that can be combined: its steps need counts over all their slots.</summary>
    [Theory]
    [InlineData("simpo", Precision.Bf16)]
    [InlineData("combined", Precision.Fp32)]
    public void So_it_does_with_other_preference_losses(string name, Precision precision)
    {
        var settings = LayoutRun.Settings(Objective.Dpo, precision, Steps, dpo: name == "simpo" ? new DpoRecipe { Loss = DpoLoss.Simpo, Beta = 2 } : new DpoRecipe
        {
            Beta = 5,
            LabelSmoothing = 0.1,
            LengthNormalize = true,
            Weighting = DpoWeighting.Wpo,
            SftWeight = 0.5,
            LengthMargin = 0.01,
        });
        Assert.Equal(name == "simpo", settings.References is null);
        using var one = new TestSupervisor(settings, 1);
        var hash = one.Run(Steps);
        ParallelLayout[] layouts = [new(3), new(4, zero: 4), new(1, tensor: 4), new(1, pipeline: 4), new(2, tensor: 2, pipeline: 2, zero: 2)];
        foreach (var layout in layouts)
        {
            using var supervisor = new TestSupervisor(settings, layout);
            Assert.True(hash == supervisor.Run(Steps), $"{layout}");
            Assert.Equal(one.Steps.Values.Select(step => (step.Metrics.Loss, step.Metrics.More)), supervisor.Steps.Values.Select(step => (step.Metrics.Loss, step.Metrics.More)));
        }
    }

    [Theory]
    [InlineData(Precision.Fp32)]
    [InlineData(Precision.Bf16)]
    public void So_it_does_where_each_side_of_a_pair_has_a_prompt_of_its_own(Precision precision)
    {
        var plain = LayoutRun.Settings(Objective.Dpo, precision, Steps, dpo: new DpoRecipe { SharePrompt = false });
        Assert.NotEqual(One[(Objective.Dpo, precision)].Value.Settings.Plan.Read(1, 0).Ids, plain.Plan.Read(1, 0).Ids);
        using var one = new TestSupervisor(plain, 1);
        var hash = one.Run(Steps);
        foreach (var layout in (ParallelLayout[])[new(3, zero: 3), new(1, tensor: 4), new(1, pipeline: 4), new(2, tensor: 2, pipeline: 2, zero: 2)])
        {
            using var supervisor = new TestSupervisor(plain, layout);
            Assert.True(hash == supervisor.Run(Steps), $"{layout}");
        }
    }

    [Theory]
    [InlineData(1, 2, 1, 1, true)]
    [InlineData(2, 2, 2, 2, false)]
    [InlineData(1, 4, 2, 1, true)]
    public void So_it_does_where_ranks_keep_only_their_share_of_the_rows(int data, int tensor, int pipeline, int zero, bool recompute)
    {
        foreach (var (kind, one) in One)
        {
            var (settings, hash) = one.Value;
            var recipe = settings.Recipe with
            {
                Parallel = settings.Recipe.Parallel with { SplitActivations = true },
                Model = settings.Recipe.Model with { Recompute = recompute },
            };
            var (computerOf, gathers) = (EmbeddedWorkerFactory.ComputerOf(settings with { Recipe = recipe }), 0);
            using var supervisor = new TestSupervisor(settings with { Recipe = recipe }, new ParallelLayout(data, tensor, pipeline, zero),
                (state, group) => computerOf(state, new CountedGathers(group!, () => Interlocked.Increment(ref gathers))));
            Assert.True(hash == supervisor.Run(Steps), $"{kind}");
            // Of each slot every tensor-parallel rank gathers each block's input, without recomputation its middle, and what comes from other stages; of mismatched sequences,
            // which have no backward pass, once.
            var stages = (kind.Item1 == Objective.Kto ? 3 : 2) * (pipeline - 1);
            Assert.Equal(Steps * LayoutRun.Slots * tensor * (LayoutRun.Config.Layers * (recompute ? 1 : 2) + stages), gathers);
        }
    }

    private sealed class CountedGathers(IShardSum inner, Action count) : IShardSum
    {
        public bool Alone => inner.Alone;

        public void Sum(Tensor partial) => inner.Sum(partial);

        public void Max(Tensor partial) => inner.Max(partial);

        public void GatherRows(Tensor rows)
        {
            count();
            inner.GatherRows(rows);
        }
    }

    [Theory]
    [InlineData(3, 1, 1, 1)]
    [InlineData(2, 2, 1, 2)]
    [InlineData(2, 1, 2, 1)]
    [InlineData(4, 1, 2, 4)]
    public void Without_overlap_the_bits_are_the_same(int data, int tensor, int pipeline, int zero)
    {
        foreach (var (kind, one) in One)
        {
            var (settings, hash) = one.Value;
            settings = settings with { Recipe = settings.Recipe with { Parallel = settings.Recipe.Parallel with { Overlap = false } } };
            using var supervisor = new TestSupervisor(settings, new ParallelLayout(data, tensor, pipeline, zero));
            Assert.True(hash == supervisor.Run(Steps), $"{kind}");
        }
    }

    [Fact]
    public void Shards_that_are_too_narrow_for_equal_bits_come_close()
    {
        // Key-value shards of 8 columns: one aligned virtual shard alone, two where parallel.bitwise: false lets two ranks share it.
        var narrow = LayoutRun.Config with { Heads = 2, KeyValueHeads = 2, HeadSize = 8 };
        var settings = LayoutRun.Settings(Objective.Sft, Precision.Fp32, Steps);
        settings = settings with { Recipe = settings.Recipe with { Optimizer = new() { LearningRate = 1e-3 } } };
        using var one = new TestSupervisor(settings with { Parameters = new ParameterMap(narrow, ParameterMap.LargestVirtualShards(narrow, 4)) }, 1);
        using var two = new TestSupervisor(settings with { Parameters = new ParameterMap(narrow, 2) }, new ParallelLayout(1, tensor: 2));
        var (hash, other) = (one.Run(Steps), two.Run(Steps));
        Assert.NotEqual(hash, other);
        foreach (var (step, (metrics, _)) in one.Steps)
        {
            Assert.Equal(metrics.Loss, two.Steps[step].Metrics.Loss, 1e-5);
            Assert.Equal(metrics.GradientNorm, two.Steps[step].Metrics.GradientNorm, 1e-5);
        }
        foreach (var ((name, expected), (_, actual)) in one.Parameters().Zip(two.Parameters()))
        {
            var worst = expected.Zip(actual, (a, b) => Math.Abs(a - b)).Max();
            Assert.True(worst < 1e-5, $"{name}: {worst}");
        }
    }

    [Fact]
    public void The_reference_pass_of_any_layout_gives_the_same_log_probabilities()
    {
        var settings = LayoutRun.Settings(Objective.Dpo, Precision.Bf16, Steps);
        var batch = settings.Plan.Read(1, 3);
        float[] Scored(ParallelLayout layout)
        {
            using var supervisor = new TestSupervisor(settings, layout);
            return Assert.Single(supervisor.Score(batch));
        }
        var one = Scored(new ParallelLayout(1));
        Assert.Equal(4, one.Length);
        foreach (var layout in new[] { new ParallelLayout(1, tensor: 4), new ParallelLayout(1, pipeline: 4), new ParallelLayout(2, tensor: 2, pipeline: 2, zero: 2) })
            Assert.Equal(one, Scored(layout));
    }

    [Fact]
    public void Weights_and_gradients_that_lie_on_another_device_are_the_same()
    {
        var (settings, hash) = One[(Objective.Sft, Precision.Fp32)].Value;
        settings = settings with { DeviceOverride = new Device(TorchSharp.DeviceType.CPU) };
        foreach (var layout in new[] { new ParallelLayout(2), new ParallelLayout(2, tensor: 2, pipeline: 2, zero: 2) })
        {
            using var supervisor = new TestSupervisor(settings, layout);
            Assert.Equal(hash, supervisor.Run(Steps));
        }
    }
}
