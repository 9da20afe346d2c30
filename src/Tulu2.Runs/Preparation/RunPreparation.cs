using Tulu2.Collectives.Layout;
using Tulu2.Data.Slots;
using Tulu2.Files;
using Tulu2.Models.HuggingFace;
using Tulu2.Models.Llama;
using Tulu2.Models.Torch;
using Tulu2.Runs.Output;
using Tulu2.Runs.RunFiles;
using Tulu2.Training.Optimization;
using Tulu2.Training.Recipes;
using Tulu2.Training.Reference;

namespace Tulu2.Runs.Preparation;

/// <summary>Everything that is fixed about a run before its first step.</summary>
/// <param name="Recipe">Effective: profile applied, virtual shards as they are used.</param>
/// <param name="Reference">Null for SFT.</param>
/// <param name="RecipeHash">Of all that decides the run's bits.</param>
internal sealed record PreparedRun(
    Recipe Recipe, ModelSource Model, FlatLayout Layout, TrainingData Data, BatchPlan Batches, ReferencePlan? Reference, ParallelLayout Parallel, string RecipeHash)
        : IDisposable
{
    /// <summary>What the recipe's effects depend on beside it.</summary>
    public RunCounts Counts => new() { Items = Batches.Items, Steps = Batches.TotalSteps, Positions = Model.Config.MaxPositions, Layout = Parallel };

    /// <summary>Of the recipe in the middle of the run, in order.</summary>
    public IReadOnlyList<RecipeChange> Changes { get; init; } = [];

    /// <summary>The recipe at the run's begin, after each change, and so now.</summary>
    public IReadOnlyList<Recipe> Stages { get; init; } = [Recipe];

    /// <summary>The hash at the run's begin, after each change, and so now.</summary>
    public IReadOnlyList<string> Hashes { get; init; } = [RecipeHash];

    /// <summary>The schedule at the run's begin and after each change; empty: it is the recipe's.</summary>
    public IReadOnlyList<ScheduleSegment> Schedules => Changes.Count == 0 ? []
        : [.. Stages.Select((stage, index) =>
            ScheduleSegment.Of(stage, Batches.StepsOf(stage.Epochs, stage.Steps), index == 0 ? 0 : Changes[index - 1].After))];

    /// <summary>What the run directory and every manifest remember.</summary>
    public RunRecipe Remembered => new(Recipe, RecipeHash, Changes);

    public void Dispose() => Data.Dispose();
}

/// <summary>Turns a recipe into a run that can start: opens the model's shape, the tokenizer and the data, and checks that they fit each other.</summary>
internal static class RunPreparation
{
    /// <param name="say">Is told what the user should know: a smaller V, rows left out, a cache that was found.</param>
    /// <exception cref="BadInputException">Whatever the user gave that cannot be used.</exception>
    /// <param name="changes">Of the recipe in the middle of the run; the recipe has them already.</param>
    public static PreparedRun Prepare(LoadedRecipe loaded, Action<ProgressSnapshot> report, Action<string> say, IReadOnlyList<RecipeChange>? changes = null)
    {
        var recipe = RecipeProfiles.Apply(loaded.Recipe, loaded.Given);
        recipe = recipe with { Data = recipe.Data with { Train = TrainingData.Files(loaded) } };
        loaded = loaded.With(recipe);
        RecipeProfiles.Check(recipe);
        var model = ModelSource.Open(loaded);
        // Before rows are tokenised and before the directory holds a run: with corrected weights it would be another one.
        foreach (var remark in recipe.Model.Path is { } weights ? HuggingFaceModel.CheckWeights(weights, model.Config) : []) say(remark);
        foreach (var remark in model.Remarks) say(remark);
        var shards = LayoutRules.VirtualShards(recipe.Parallel, model.Config, loaded.Fault);
        if (shards < recipe.Parallel.VirtualShards)
            say($"virtual shards: {shards} in place of {recipe.Parallel.VirtualShards}, the most that this model's dimensions divide into");
        else if (shards > recipe.Parallel.VirtualShards)
            say($"virtual shards: {shards} in place of {recipe.Parallel.VirtualShards}, one for each of the {recipe.Parallel.Tensor} ranks that share a matrix");
        recipe = recipe with
        {
            Parallel = recipe.Parallel with { VirtualShards = shards },
            Model = recipe.Model with { RmsNormEpsilon = RecipeProfiles.RmsNormEpsilon(recipe, model.Config.HiddenSize, model.Config.Layers) },
        };

        var data = TrainingData.Open(loaded, model, CacheDirectory.Of(recipe.Data.Cache), report, say);
        try
        {
            var batches = new BatchPlan(data.Tokens, new BatchSettings(
                recipe.Batch.Global, recipe.Batch.Slot, recipe.Data.Packing, recipe.Data.Shuffle, recipe.Seed, recipe.Objective == Objective.Dpo,
                recipe.Epochs, recipe.Steps));
            if (recipe.Schedule.Warmup > batches.TotalSteps)
                throw loaded.Fault("schedule.warmup", $"{recipe.Schedule.Warmup} steps of warm-up are more than the run's {batches.TotalSteps}",
                    "use fewer, or a ratio below 1");
            var parallel = LayoutRules.Layout(recipe.Parallel, model.Config, batches.SlotsPerStep, Environment.ProcessorCount, loaded.Fault);
            string[] content = [model.WeightsKey, model.ShapeKey, model.Tokenizer.ContentKey, data.ContentKey];
            var stages = RecipeChanges.Stages(recipe, changes ?? []);
            var hashes = RecipeChanges.Hashes(RecipeHash.Of(stages[0], content), changes ?? []);
            return new PreparedRun(recipe, model, new FlatLayout(model.Config, shards), data, batches, Reference(recipe, model, data, batches, say), parallel,
                hashes[^1])
            {
                Changes = changes ?? [],
                Stages = stages,
                Hashes = hashes,
            };
        }
        catch
        {
            data.Dispose();
            throw;
        }
    }

    private static ReferencePlan? Reference(Recipe recipe, ModelSource model, TrainingData data, BatchPlan batches, Action<string> say)
    {
        if (recipe.Objective != Objective.Dpo) return null;
        var key = ReferenceLogProbabilities.Key(model.WeightsKey, data.ContentKey, recipe.Precision.ToString(), recipe.Parallel.VirtualShards,
            [model.ShapeKey, $"slot {recipe.Batch.Slot}", $"packing {recipe.Data.Packing}", TorchRuntime.Facts]);
        var plan = new ReferencePlan(batches, pair => $"{data.Tokens.Location(pair)}", recipe.Batch.Slot, recipe.Data.Packing,
            Path.Combine(CacheDirectory.Of(recipe.Data.Cache), "reference"), key);
        if (plan.CachedPairs > 0)
            say($"reference log-probabilities of {plan.CachedPairs:N0}{(plan.CachedPairs < plan.Pairs ? $" of {plan.Pairs:N0}" : "")} pairs found in the cache");
        return plan;
    }
}
