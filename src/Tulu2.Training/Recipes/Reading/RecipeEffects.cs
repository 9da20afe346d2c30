using Tulu2.Collectives.Layout;
using Tulu2.Files;
using Tulu2.Training.Objectives;
using Tulu2.Training.Optimization;

namespace Tulu2.Training.Recipes.Reading;

/// <summary>What is known of a run beside its recipe; null where it is not: a plan opens no data.</summary>
public sealed record RunCounts
{
    /// <summary>Usable rows (or pairs).</summary>
    public int? Items { get; init; }
    /// <summary>Steps of the whole run.</summary>
    public int? Steps { get; init; }
    /// <summary>The longest sequence that the model's config names.</summary>
    public int? Positions { get; init; }
    public ParallelLayout? Layout { get; init; }
}

/// <summary>
/// What a recipe asks for and will not get, though nothing is wrong with it: rows that are never used, steps that change nothing, keys that decide nothing.
/// A key that has its default asked for nothing. Pure.
/// </summary>
public static class RecipeEffects
{
    private static readonly Recipe Defaults = new();

    /// <summary>One sentence for each, without a full stop.</summary>
    public static IReadOnlyList<string> Missing(Recipe recipe, RunCounts counts) =>
        [.. Rows(recipe, counts), .. Rates(recipe, counts), .. Checkpoints(recipe, counts), .. Validation(recipe, counts), .. Evaluation(recipe, counts), .. Keys(recipe), .. Layout(recipe.Parallel, counts)];

    private static IEnumerable<string> Rows(Recipe recipe, RunCounts counts)
    {
        foreach (var file in recipe.Data.Files.GroupBy(file => file.Path, StringComparer.Ordinal).Where(file => file.Count() > 1))
            yield return $"data.train names {file.Key} {file.Count()} times: its rows count as often";
        if (recipe.Data.MaxLength > counts.Positions)
            yield return $"data.max_length {recipe.Data.MaxLength} is beyond the {counts.Positions} positions that the model names; TÜLU 2 does this on purpose";
        if (counts is not { Items: { } items, Steps: { } steps }) yield break;
        var global = recipe.Batch.Global;
        var noun = ObjectiveCatalog.Of(recipe.Objective).ItemName + "s";
        var (perPass, left) = Math.DivRem(items, global);
        if (steps < perPass)
            yield return $"{items - steps * global:N0} of {items:N0} {noun} are never used: the run's {NumberText.Count(steps, "step")} of batch.global {global} take {steps * global:N0}";
        else if (left > 0 && !recipe.Data.Shuffle)
            yield return $"the last {left:N0} of {items:N0} {noun} are never used: batch.global {global} does not divide them, and data.shuffle is false";
        else if (left > 0)
            yield return $"{left:N0} of {items:N0} {noun} are left over in each pass{(steps > perPass ? ", others each time" : "")}: batch.global {global} does not divide them";
        if (recipe.Epochs is { } epochs && epochs * perPass - steps > 1e-6)
            yield return $"epochs {RecipeValue.Write(epochs)} of {NumberText.Count(perPass, "step")} is cut to {NumberText.Count(steps, "whole step")}";
    }

    private static IEnumerable<string> Rates(Recipe recipe, RunCounts counts)
    {
        var peak = recipe.Optimizer.LearningRate;
        if (peak == 0)
        {
            yield return "optimizer.learning_rate is 0: no step changes a weight";
            yield break;
        }
        if (counts.Steps is not { } steps) yield break;
        var warmup = ScheduleSegment.Warmup(recipe, steps);
        if (warmup == 0 && recipe.Schedule.Warmup > 0)
            yield return $"schedule.warmup {RecipeValue.Write(recipe.Schedule.Warmup)} of {NumberText.Count(steps, "step")} is less than one step: there is no warm-up";
        if (warmup < steps) yield break;
        if (steps == 1) yield return "the run's only step has rate 0, which is where schedule.warmup begins: it changes no weight";
        else
            yield return $"the peak rate is never reached: schedule.warmup is as long as the run's {steps} steps, whose last has "
                + $"{RecipeValue.Write(new LearningRateSchedule(recipe.Schedule.Kind, peak, steps, warmup, recipe.Schedule.Floor).At(steps - 1))} in place of {RecipeValue.Write(peak)}";
    }

    private static IEnumerable<string> Checkpoints(Recipe recipe, RunCounts counts)
    {
        // A validation writes the checkpoint of each step that is the best so far, whatever `every` and `keep` say.
        if (counts.Steps is not { } steps || recipe.Validation is { IsOn: true, KeepBest: true }) yield break;
        var (every, keep) = (recipe.Checkpoint.Every, recipe.Checkpoint.Keep);
        if (every != Defaults.Checkpoint.Every && every > steps)
            yield return $"checkpoint.every {every} is beyond the run's {NumberText.Count(steps, "step")}: only the last step's is written";
        var written = every == 0 ? 1 : (steps + every - 1) / every;
        if (keep != Defaults.Checkpoint.Keep && keep > written) yield return $"checkpoint.keep {keep} has no effect: the run writes {NumberText.Count(written, "checkpoint")}";
    }

    private static IEnumerable<string> Validation(Recipe recipe, RunCounts counts)
    {
        var (validation, defaults) = (recipe.Validation, Defaults.Validation);
        if (!validation.IsOn)
        {
            if (validation with { Data = defaults.Data } != defaults)
                yield return "validation has no effect: neither validation.data nor validation.share is given";
            yield break;
        }
        if (counts.Steps is not { } steps) yield break;
        if (validation.Every != defaults.Every && validation.Every > steps)
            yield return $"validation.every {validation.Every} is beyond the run's {NumberText.Count(steps, "step")}: only the last step is validated";
        var made = (steps + validation.Every - 1) / validation.Every;
        if (validation.Patience >= made) yield return $"validation.patience {validation.Patience} has no effect: the run validates {NumberText.Count(made, "time")}";
    }

    private static IEnumerable<string> Evaluation(Recipe recipe, RunCounts counts)
    {
        var (evaluation, defaults) = (recipe.Evaluation, Defaults.Evaluation);
        if (!evaluation.IsOn)
        {
            var plain = evaluation with { Quick = defaults.Quick, Full = defaults.Full, Rows = defaults.Rows, Judges = defaults.Judges };
            if (plain != defaults || evaluation.Rows.Count + evaluation.Judges.Count > 0)
                yield return "evaluation has no effect: neither evaluation.quick nor evaluation.full names a benchmark";
            yield break;
        }
        if (counts.Steps is not { } steps) yield break;
        var every = recipe.Checkpoint.Every;
        if (evaluation.Quick.Count == 0) yield break;
        if (evaluation.Every != defaults.Every && evaluation.Every > steps)
            yield return $"evaluation.every {evaluation.Every} is beyond the run's {NumberText.Count(steps, "step")}: only the last checkpoint is scored";
        else if (every == 0 && evaluation.Every < steps)
            yield return $"evaluation.every {evaluation.Every} has no effect with checkpoint.every 0: only the last checkpoint is written, and scored";
        else if (evaluation.Every < every) yield return $"evaluation.every {evaluation.Every} is below checkpoint.every {every}: each checkpoint is scored, and no more";
    }

    private static IEnumerable<string> Keys(Recipe recipe)
    {
        if (recipe.Seed != Defaults.Seed && recipe is { Data.Shuffle: false, Model.Path: not null })
            yield return $"seed {recipe.Seed} has no effect: the weights are given and data.shuffle is false";
        if (!recipe.Data.Packing && recipe.Batch.Slot * ObjectiveCatalog.Of(recipe.Objective).ScoredPerItem == 1)
            yield return "data.packing: false pads nothing: with batch.slot 1 a slot is one sequence";
    }

    private static IEnumerable<string> Layout(ParallelRecipe parallel, RunCounts counts)
    {
        if (counts.Layout is not { } layout) yield break;
        if (parallel.SplitActivations && layout.Tensor == 1) yield return "parallel.split_activations has no effect with parallel.tensor 1";
        if (!parallel.Bitwise && layout.Tensor == 1) yield return "parallel.bitwise: false has no effect with parallel.tensor 1";
        if (parallel.Overlap && layout.Data == 1) yield return "parallel.overlap has no effect with one replica";
        else if (parallel is { Overlap: true, Device: ComputeDevice.Cuda }) yield return "parallel.overlap has no effect on a GPU";
        if (parallel.Transport == RankTransport.Nccl && layout.Tensor == 1)
            yield return "parallel.transport: nccl has no effect with parallel.tensor 1: only tensor-parallel sums go over it";
        else if (parallel.Transport == RankTransport.Tcp && layout.Size == 1) yield return "parallel.transport: tcp has no effect with one rank";
    }
}
