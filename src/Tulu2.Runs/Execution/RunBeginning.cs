using Tulu2.Checkpoints;
using Tulu2.Cluster.Runs;
using Tulu2.Files;
using Tulu2.Protocol.Ids;
using Tulu2.Runs.Preparation;
using Tulu2.Runs.RunFiles;
using Tulu2.Training.Recipes;
using Tulu2.Training.Recipes.Reading;

namespace Tulu2.Runs.Execution;

/// <summary>The start of a run, or of its next session: step and recipe.</summary>
/// <param name="Loaded">The given recipe, with every change of the run.</param>
/// <param name="Known">The recipe that the run directory has; null: the run is new, or the recipe is lost.</param>
/// <param name="Changes">Changes of the run, followed by the one that this resume makes.</param>
internal sealed record RunBeginning(LoadedRecipe Loaded, RunStart Start, RunRecipe? Known, IReadOnlyList<RecipeChange> Changes)
{
    /// <summary>Recipe hash before the change that this resume makes; null: unknown.</summary>
    public string? HashBefore { get; private init; }

    /// <summary>Opens the directory. A run that was stopped before its first step is started again, with any recipe.</summary>
    /// <returns>There is a run to resume.</returns>
    /// <exception cref="BadInputException">See <see cref="RunDirectory.Open"/>; or there is no run that could be changed; or a new one would share another's mirror.</exception>
    public static bool Opens(Recipe recipe, RunDirectory directory, ResumeMode mode, IReadOnlyList<string> flags)
    {
        var isMirrored = RunCheckpoints.AreMirrored(recipe);
        if (isMirrored && !directory.HasRun && mode == ResumeMode.New)
            throw new BadInputException($"checkpoint.mirror {recipe.Checkpoint.Mirror}", "has checkpoints already, and the run directory has none",
                "add --resume if they are this run's, whose directory is lost; else name an empty directory");
        if (flags.Count > 0 && !directory.HasRun && (mode == ResumeMode.Auto || directory.IsBegun))
            throw new BadInputException($"--change {flags[0]}", "there is no run yet that could be changed", $"start it with {flags[0]} after the recipe");
        return directory.Open(mode, isMirrored);
    }

    /// <summary>Writes a change to the run directory, for the process that resumes the run.</summary>
    /// <exception cref="BadInputException">See <see cref="Resume"/>.</exception>
    public static void Remember(LoadedRecipe loaded, RunDirectory directory, IReadOnlyList<string> flags, Action<string> say)
    {
        var (_, _, known, changes) = Resume(loaded, directory, flags, say);
        if (known is null || changes.Count == known.Changes.Count) return;
        var changed = known with
        {
            Recipe = RecipeChanges.After(known.Recipe, changes[^1]),
            Hash = RecipeChanges.Hashes(known.Hash, [changes[^1]])[^1],
            Changes = changes,
        };
        changed.Write(directory);
    }

    /// <summary>A new run, from step 1.</summary>
    public static RunBeginning New(LoadedRecipe loaded) => new(loaded, new RunStart.FromRecipe(), null, []);

    /// <summary>A resumed run, from the newest sound checkpoint.</summary>
    /// <param name="flags"><c>key=value</c>: changes from there on.</param>
    /// <exception cref="BadInputException">A change that cannot be made, or another recipe than the run's.</exception>
    public static RunBeginning Resume(LoadedRecipe loaded, RunDirectory directory, IReadOnlyList<string> flags, Action<string> say)
    {
        var store = RunCheckpoints.OpenAnswering(directory, loaded.Recipe, say);
        // A manifest that is healed may be the only one that has the recipe.
        var healed = store.Mirror is null ? null : Newest(store, RunRecipe.OfFile(directory), say);
        var known = RunRecipe.Read(directory, store, say);
        var newest = store.Mirror is null ? Newest(store, known, say) : healed;
        var step = newest?.Manifest.Step ?? 0;
        RunStart start = newest is { } manifest ? new RunStart.FromManifest(manifest.Path, new StepNumber(step)) : new RunStart.FromRecipe();
        var changes = known?.Changes ?? [];
        RecipeChange? change = null;
        if (flags.Count > 0)
        {
            if (known is null)
                throw new BadInputException(directory.Recipe, "is lost, so that it is unknown what would be changed", "resume once with the recipe the run was started with, then change it");
            change = RecipeChanges.Read(flags, known.Recipe, step);
            if (change is not null) changes = [.. changes, change];
        }
        var applied = RecipeChanges.Apply(loaded, changes, flagged: change is not null);
        say(newest is null ? "no sound checkpoint: starting from step 0" : $"resuming after step {step}");
        if (change is not null) say($"changed {change.Text}");
        return new RunBeginning(applied, start, known, changes) { HashBefore = known?.Hash ?? newest?.Manifest.RecipeHash };
    }

    private static (string Path, Manifest Manifest)? Newest(CheckpointStore store, RunRecipe? known, Action<string> say) =>
        store.LatestSound(manifest => RunCheckpoints.Belongs(manifest, known), fault => say($"checkpoint skipped: {fault}"), say);

    /// <exception cref="BadInputException">The run has another recipe, or has made more steps than its recipe has.</exception>
    /// <param name="command">The command that started the run, without --resume; null: none can be named.</param>
    public void Check(PreparedRun run, RunDirectory directory, string? command)
    {
        // Before the change that this resume makes.
        var (hash, recipe) = Known is not null && Changes.Count > Known.Changes.Count ? (run.Hashes[^2], run.Stages[^2]) : (run.RecipeHash, run.Recipe);
        if (Known is not null) Known.CheckSame(directory, recipe, hash, command);
        else if (HashBefore is { } before && before != hash)
            throw new BadInputException(directory.Root, "its checkpoints belong to another recipe, other data or other weights", "resume with the recipe and the files it was started with");
        if (Start is RunStart.FromManifest start && start.Step > run.Batches.TotalSteps)
            throw new BadInputException(directory.Root, $"the run has made {start.Step} steps already, more than the {run.Batches.TotalSteps} of its recipe now", $"give it at least {start.Step} steps");
    }
}
