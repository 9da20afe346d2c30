using Tulu2.Data.Rows;
using Tulu2.Data.Slots;
using Tulu2.Files;
using Tulu2.Models.Families;
using Tulu2.Models.HuggingFace;
using Tulu2.Models.Torch;
using Tulu2.Runs.Output;
using Tulu2.Training.Objectives;
using Tulu2.Training.Objectives.Preferences;
using Tulu2.Training.Planning;
using Tulu2.Training.Recipes;
using Tulu2.Training.Recipes.Reading;
using Tulu2.Training.Reference;

namespace Tulu2.Runs.Preparation;

/// <summary>Turns a recipe into a run that can start: opens the model's shape, the tokenizer and the data, and checks that they fit each other.</summary>
internal static class RunPreparation
{
    /// <param name="fetched">The recipe; what it names on a hub is fetched.</param>
    /// <param name="say">Takes what the user should know: fewer virtual shards, rows left out, a cache that was found.</param>
    /// <param name="changes">Changes of the recipe in the middle of the run; the recipe has them already.</param>
    /// <param name="beforeData">Called with the recipe and the model's shape before any row is read.</param>
    /// <exception cref="BadInputException">Whatever the user gave that cannot be used.</exception>
    public static PreparedRun Prepare(FetchedRecipe fetched, Action<ProgressSnapshot> report, Action<string> say, IReadOnlyList<RecipeChange>? changes = null,
        Action<Recipe, ModelConfig>? beforeData = null)
    {
        var loaded = fetched.Loaded;
        var recipe = RecipeProfiles.Apply(loaded.Recipe, loaded.Given);
        recipe = recipe with
        {
            Data = recipe.Data with { Train = TrainingData.Sources(loaded, "data.train", recipe.Data.Train) },
            Validation = recipe.Validation with { Data = TrainingData.Sources(loaded, "validation.data", recipe.Validation.Data) },
        };
        loaded = loaded.With(recipe);
        ObjectiveCatalog.Of(recipe.Objective).CheckProfile(recipe);
        var model = ModelSource.Open(loaded);
        // Before rows are tokenised and before the directory holds a run: with other weights it would be another run.
        foreach (var remark in recipe.Model.Path is { } weights ? HuggingFaceModel.CheckWeights(weights, model.Config) : []) say(remark);
        foreach (var remark in model.Remarks) say(remark);
        var adapters = AdapterRules.Check(loaded, model.Config);
        recipe = recipe with
        {
            Parallel = recipe.Parallel with { VirtualShards = VirtualShards(loaded, model, say) },
            Model = recipe.Model with { RmsNormEpsilon = RecipeProfiles.RmsNormEpsilon(recipe, model.Config.HiddenSize, model.Config.Layers) },
        };
        beforeData?.Invoke(recipe, model.Config);
        var cache = CacheDirectory.Of(recipe.Data.Cache);
        var data = TrainingData.Open(loaded, model, cache, report, say);
        ValidationSet? validation = null;
        try
        {
            if (recipe.Validation.IsOn) (validation, data) = ValidationSet.Open(loaded, data, model, cache, report, say);
            return WithData(loaded, recipe, model, adapters, data, validation, changes ?? [], say) with { Names = fetched.Names };
        }
        catch
        {
            validation?.Dispose();
            data.Dispose();
            throw;
        }
    }

    private static int VirtualShards(LoadedRecipe loaded, ModelSource model, Action<string> say)
    {
        var parallel = loaded.Recipe.Parallel;
        var shards = LayoutRules.VirtualShards(parallel, model.Config, loaded.Fault);
        if (shards < parallel.VirtualShards)
            say($"virtual shards: {shards} in place of {parallel.VirtualShards}, the most that this model's dimensions divide into");
        else if (shards > parallel.VirtualShards)
            say($"virtual shards: {shards} in place of {parallel.VirtualShards}, one for each of the {parallel.Tensor} ranks that share a matrix");
        return shards;
    }

    private static PreparedRun WithData(
        LoadedRecipe loaded, Recipe recipe, ModelSource model, string? adapters, TrainingData data, ValidationSet? validation, IReadOnlyList<RecipeChange> changes, Action<string> say)
    {
        var shares = data.Shares(recipe.Data);
        var objective = ObjectiveCatalog.Of(recipe.Objective);
        var batches = new BatchPlan(Sequences(recipe, data.Tokens, "data.train"), new BatchSettings(
            recipe.Batch.Global, recipe.Batch.Slot, recipe.Data.Packing, recipe.Data.Shuffle, recipe.Seed, objective.ScoredPerItem == 2, recipe.Epochs, recipe.Steps)
        {
            Shares = shares,
            Mismatched = objective.HasMismatched,
            Shared = PairSharing.Of(recipe),
        });
        if (recipe.Schedule.Warmup > batches.TotalSteps)
            throw loaded.Fault("schedule.warmup", $"{recipe.Schedule.Warmup} steps of warm-up are more than the run's {batches.TotalSteps}",
                "use fewer, or a ratio below 1");
        var parallel = LayoutRules.Layout(recipe.Parallel, model.Config, batches.SlotsPerStep, Environment.ProcessorCount, loaded.Fault);
        string[] content = [model.WeightsKey, model.ShapeKey, model.Tokenizer.ContentKey, data.ContentKey, .. shares.Select(share => $"{share}"),
            .. validation is null ? Array.Empty<string>() : [$"validation {validation.ContentKey}"], .. adapters is null ? Array.Empty<string>() : [$"adapters {adapters}"]];
        var stages = RecipeChanges.Stages(recipe, changes);
        var hashes = RecipeChanges.Hashes(RecipeHash.Of(stages[0], content), changes);
        var parameters = RunParameters.Of(recipe, model.Config, recipe.Parallel.VirtualShards);
        var reference = Reference(recipe, model, batches, data.Location, data.ContentKey, say);
        return new PreparedRun(recipe, model, parameters, data, batches, reference, parallel)
        {
            Validation = validation is null ? null : Validation(loaded, recipe, model, validation, say),
            Changes = changes,
            Stages = stages,
            Hashes = hashes,
        };
    }

    private static ValidationPlan Validation(LoadedRecipe loaded, Recipe recipe, ModelSource model, ValidationSet set, Action<string> say)
    {
        var form = new SlotForm(ObjectiveCatalog.Of(recipe.Objective).ScoredPerItem == 2, recipe.Data.Packing, PairSharing.Of(recipe));
        var plan = new OnePassPlan(Sequences(recipe, set.Tokens, recipe.Validation.Share > 0 ? "validation.share" : "validation.data"), recipe.Batch.Slot, form);
        // What compares the two labels has no value without one of them.
        var isOfLabels = ObjectiveCatalog.Of(recipe.Objective).HasMismatched && recipe.Validation.Metric != ValidationMetrics.Loss;
        if (isOfLabels && Enumerable.Range(0, plan.Items).Select(set.Tokens.Desirable).Distinct().Count() == 1)
            throw loaded.Fault("validation.metric", $"{recipe.Validation.Metric} needs desirable and undesirable rows, and the validation has rows of one kind alone",
                "use validation.metric: loss, or give rows of both kinds");
        return new ValidationPlan(recipe, plan, set, Reference(recipe, model, plan, set.Location, set.ContentKey, say));
    }

    // The sequences of rows, with mismatched ones beside them where the objective has those.
    private static ITokenSource Sequences(Recipe recipe, ITokenSource rows, string key) =>
        ObjectiveCatalog.Of(recipe.Objective).HasMismatched ? new MismatchedTokens(rows, recipe.Data.MaxLength, key) : rows;

    private static ReferencePlan? Reference(
        Recipe recipe, ModelSource model, IPairs pairs, Func<int, RowLocation> location, string contentKey, Action<string> say)
    {
        var objective = ObjectiveCatalog.Of(recipe.Objective);
        if (!objective.NeedsReference(recipe)) return null;
        var key = ReferenceLogProbabilities.Key(model.WeightsKey, contentKey, recipe.Precision.ToString(), recipe.Parallel.VirtualShards,
            [model.ShapeKey, $"slot {recipe.Batch.Slot}", $"packing {recipe.Data.Packing}", $"share_prompt {recipe.Dpo.SharePrompt}", TorchRuntime.Facts,
                .. RunParameters.QuantizedBase(recipe) is { } quantized ? [quantized] : Array.Empty<string>(),
                .. objective.HasMismatched ? [MismatchedTokens.RuleVersion] : Array.Empty<string>()]);
        var plan = new ReferencePlan(pairs, pair => $"{location(pair)}", recipe.Batch.Slot, recipe.Data.Packing,
            Path.Combine(CacheDirectory.Of(recipe.Data.Cache), "reference"), key, objective.HasMismatched ? ("own", "mismatched") : ("chosen", "rejected"));
        if (plan.CachedPairs > 0)
            say($"reference log-probabilities of {plan.CachedPairs:N0}{(plan.CachedPairs < plan.Pairs ? $" of {plan.Pairs:N0}" : "")} {objective.ItemName}s found in the cache");
        return plan;
    }
}
