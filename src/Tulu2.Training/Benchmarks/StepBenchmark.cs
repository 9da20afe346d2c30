using System.Diagnostics;
using Tulu2.Models.Decoder;
using Tulu2.Models.Families;
using Tulu2.Models.Parameters;
using Tulu2.Training.Objectives;
using Tulu2.Training.Optimization;
using Tulu2.Training.Recipes;
using Tulu2.Training.Reference;
using Tulu2.Training.Slots;
using Tulu2.Training.State;
using static TorchSharp.torch;

namespace Tulu2.Training.Benchmarks;

/// <summary>Measures whole steps of a rank (forward, backward, norm, hash, clipping, AdamW) on one thread.</summary>
public static class StepBenchmark
{
    private const int WarmUp = 3;

    /// <summary>Floating-point operations per second of matrix products on one thread of this machine.</summary>
    public static double ProductRate(Precision precision) =>
        ModelTiming.ProductRate(precision == Precision.Fp32 ? ScalarType.Float32 : ScalarType.BFloat16);

    /// <param name="sequences">Sequences per step, all of <paramref name="length"/> tokens, every token scored; for DPO each two are a pair.</param>
    /// <param name="steps">Steps measured, after a few for warming up.</param>
    public static StepMeasurement Run(ModelConfig config, int virtualShards, Objective objective, Precision precision, int sequences, int length, int steps)
    {
        var before = ProductRate(precision);
        var recipe = new Recipe
        {
            Objective = objective,
            Precision = precision,
            Model = new ModelRecipe { Preset = "measured" },
            Batch = new BatchRecipe { Global = sequences, Slot = sequences },
        };
        var map = new ParameterMap(config, virtualShards);
        var plan = new FixedBatchPlan(sequences, length, config.VocabularySize, ObjectiveCatalog.Of(objective).TakesPairs);
        using var state = new ReplicaState(map, precision);
        state.Initialize(recipe);
        using var computer = new ModelSlots(ModelTiming.Timed(map, state.Weights.Read), state.Weights.Read, ObjectiveOf(recipe, plan), onDevice: false);
        using var gradient = zeros(map.Length, dtype: ScalarType.Float32);
        using var rule = new UpdateRule(recipe, totalSteps: WarmUp + steps + 1);

        var blocks = new GradientBlocks(map);
        GradientBlock[] measured = [.. blocks.Of(map)];

        var times = new List<(double Wall, OperationTimes Processor)>();
        for (var step = 1; step <= WarmUp + steps; step++)
        {
            var clock = Stopwatch.StartNew();
            var kinds = new Dictionary<string, double>();
            var model = ModelTiming.Measure(() => computer.Compute(plan.Read(step, 0), gradient));
            var norm = 0.0;
            kinds["gradient norm and hash"] = ModelTiming.Seconds(() =>
                norm = GradientDigest.Combine(blocks, [GradientDigest.Measure(measured, FlatMemory.Address(gradient), 0)]).Norm);
            kinds["optimizer"] = ModelTiming.Seconds(() =>
            {
                rule.Apply(state.Master, gradient, state.FirstMoment, state.SecondMoment, step, norm);
                state.RefreshWeights();
            });
            foreach (var (kind, seconds) in model.Kinds) kinds[kind] = seconds;
            if (step <= WarmUp) continue;
            times.Add((clock.Elapsed.TotalSeconds, new OperationTimes(model.Seconds + kinds["gradient norm and hash"] + kinds["optimizer"], kinds)));
        }
        var ceiling = Math.Max(before, ProductRate(precision));
        var median = times.Select(time => time.Processor).OrderBy(time => time.Seconds).ElementAt(times.Count / 2);
        var wall = times.Select(time => time.Wall).Order().ElementAt(times.Count / 2);
        return new StepMeasurement(
            objective.ToString().ToLowerInvariant(), precision.ToString().ToLowerInvariant(), virtualShards, config.ParameterCount, sequences * length / wall,
            ceiling,
            Operations(config, sequences, length) / median.Seconds / ceiling,
            1 - (median.Products + median.Kinds["optimizer"]) / median.Seconds,
            1 - median.Kernels / median.Seconds,
            median.Kinds);
    }

    /// <summary>
    /// Operations of a step: 6 x matrix elements that a token goes through x tokens, plus causal attention: 2 products of 2 operations over (length + 1) / 2
    /// keys on average, counted three times (once forward, twice backward).
    /// </summary>
    private static double Operations(ModelConfig config, int sequences, int length)
    {
        var tokens = (double)sequences * length;
        return 6 * (config.Layers * PipelineStages.BlockCost(config) + PipelineStages.HeadCost(config)) * tokens + 6.0 * config.Layers * config.QueryWidth * (length + 1) * tokens;
    }

    private static SlotObjective ObjectiveOf(Recipe recipe, FixedBatchPlan plan)
    {
        var references = new ReferenceLogProbabilities(new float[2 * plan.Sequences(1, 0).Length]);
        return SlotObjective.Of(recipe, plan, () => references);
    }
}
