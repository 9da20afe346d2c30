using System.Diagnostics;
using Tulu2.Data.Slots;
using Tulu2.Models.Decoder;
using Tulu2.Models.Families;
using Tulu2.Models.Parameters;
using Tulu2.Training.Objectives;
using Tulu2.Training.Objectives.Preferences;
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
    public static double ProductRate(Precision precision) => ModelTiming.ProductRate(ComputeType.Of(precision));

    /// <param name="sequences">Sequences per step, all of <paramref name="length"/> tokens, every token scored; for DPO each two are a pair.</param>
    /// <param name="steps">Steps measured, after a few for warming up.</param>
    public static StepMeasurement Run(ModelConfig config, int virtualShards, Objective objective, Precision precision, int sequences, int length, int steps) =>
        Run(config, virtualShards, RecipeOf(objective, precision, sequences),
            new FixedBatchPlan(sequences, length, config.VocabularySize, ObjectiveCatalog.Of(objective)), steps);

    /// <summary>The same for DPO on pairs of given lengths, whose answers are scored.</summary>
    /// <param name="lengths">A file: see <see cref="PairLengths.Read"/>. Its pairs are taken in turn.</param>
    /// <param name="pairs">Pairs per step.</param>
    /// <param name="share">Compute the prompt of each pair once.</param>
    /// <exception cref="Files.BadInputException">A file that has not the lengths of so many pairs.</exception>
    public static StepMeasurement RunPairs(ModelConfig config, int virtualShards, Precision precision, string lengths, int pairs, bool share, int steps)
    {
        var recipe = RecipeOf(Objective.Dpo, precision, pairs) with { Dpo = new DpoRecipe { SharePrompt = share } };
        var source = new PairLengths(PairLengths.Read(lengths), config.VocabularySize);
        var settings = new BatchSettings(pairs, pairs, Shuffle: false, Preferences: true, Steps: WarmUp + steps) { Shared = PairSharing.Of(recipe) };
        return Run(config, virtualShards, recipe, new BatchPlan(source, settings), steps);
    }

    private static Recipe RecipeOf(Objective objective, Precision precision, int items) => new()
    {
        Objective = objective,
        Precision = precision,
        Model = new ModelRecipe { Preset = "measured" },
        Batch = new BatchRecipe { Global = items, Slot = items },
    };

    private static StepMeasurement Run(ModelConfig config, int virtualShards, Recipe recipe, IBatchPlan plan, int steps)
    {
        var (objective, precision) = (recipe.Objective, recipe.Precision);
        var before = ProductRate(precision);
        var map = new ParameterMap(config, virtualShards);
        using var state = new ReplicaState(map, precision);
        state.Initialize(recipe);
        using var computer = new ModelSlots(ModelTiming.Timed(map, state.Weights.Read), state.Weights.Read, ObjectiveOf(recipe, plan), onDevice: false);
        using var gradient = zeros(map.Length, dtype: ScalarType.Float32);
        using var rule = new UpdateRule(recipe, totalSteps: WarmUp + steps + 1);

        var blocks = new GradientBlocks(map);
        GradientBlock[] measured = [.. blocks.Of(map)];

        var times = new List<(SlotBatch Batch, double Wall, OperationTimes Processor)>();
        var processor = TimeSpan.Zero;
        for (var step = 1; step <= WarmUp + steps; step++)
        {
            var batch = plan.Read(step, 0);
            var (clock, began) = (Stopwatch.StartNew(), Environment.CpuUsage.TotalTime);
            var kinds = new Dictionary<string, double>();
            var model = ModelTiming.Measure(() => computer.Compute(batch, gradient));
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
            processor += Environment.CpuUsage.TotalTime - began;
            times.Add((batch, clock.Elapsed.TotalSeconds, new OperationTimes(model.Seconds + kinds["gradient norm and hash"] + kinds["optimizer"], kinds)));
        }
        var ceiling = Math.Max(before, ProductRate(precision));
        var typical = Mean([.. times.Select(time => time.Processor)]);
        var tokens = times.Average(time => time.Batch.Tokens);
        // Where all steps are alike, the median one.
        if (times.All(time => time.Batch.Tokens == times[0].Batch.Tokens))
            typical = times.Select(time => time.Processor).OrderBy(time => time.Seconds).ElementAt(times.Count / 2);
        var wall = times.Select(time => time.Wall / time.Batch.Tokens).Order().ElementAt(times.Count / 2);
        return new StepMeasurement(
            objective.ToString().ToLowerInvariant(), precision.ToString().ToLowerInvariant(), virtualShards, config.ParameterCount, 1 / wall,
            tokens * times.Count / processor.TotalSeconds,
            ceiling,
            times.Average(time => Operations(config, time.Batch)) / typical.Seconds / ceiling,
            1 - (typical.Products + typical.Kinds["optimizer"]) / typical.Seconds,
            1 - typical.Kernels / typical.Seconds,
            typical.Kinds)
        {
            SharesPrompts = times.Exists(time => Array.Exists(time.Batch.Prefixes, prefix => prefix > 0)),
            Rows = times.Average(time => time.Batch.Ids.Length),
        };
    }

    private static OperationTimes Mean(OperationTimes[] times) => new(
        times.Average(time => time.Seconds),
        times.SelectMany(time => time.Kinds).GroupBy(kind => kind.Key).ToDictionary(kind => kind.Key, kind => kind.Sum(value => value.Value) / times.Length));

    /// <summary>
    /// Operations of a step: 6 x matrix elements that a row goes through x rows (of the head: scored rows), plus causal attention: 2 products of 2 operations
    /// over each query's keys, counted three times (once forward, twice backward).
    /// </summary>
    private static double Operations(ModelConfig config, SlotBatch batch)
    {
        // Of a segment with its prefix, less what the prefix alone has.
        double keys = batch.SegmentLengths.Select((own, segment) =>
            Triangle(own + batch.Prefixes.ElementAtOrDefault(segment)) - Triangle(batch.Prefixes.ElementAtOrDefault(segment))).Sum();
        return 6.0 * config.Layers * PipelineStages.BlockCost(config) * batch.Ids.Length + 6.0 * PipelineStages.HeadCost(config) * batch.ScoredRows.Length
            + 12.0 * config.Layers * config.QueryWidth * keys;

        static double Triangle(double tokens) => tokens * (tokens + 1) / 2;
    }

    private static SlotObjective ObjectiveOf(Recipe recipe, IBatchPlan plan)
    {
        var references = new ReferenceLogProbabilities(new float[2 * Items(plan)]);
        return SlotObjective.Of(recipe, plan, () => references);

        static int Items(IBatchPlan plan) => plan is BatchPlan pairs ? pairs.Items : plan.Sequences(1, 0).Length;
    }
}
