using Tulu2.Checkpoints;
using Tulu2.Files;
using Tulu2.Training.Recipes;
using Tulu2.Training.Recipes.Reading;

namespace Tulu2.Runs.RunFiles;

/// <summary>The checkpoints of a run, in its directory and in the second place that its recipe names.</summary>
internal static class RunCheckpoints
{
    // A network file system may never answer.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    public static CheckpointStore Open(RunDirectory directory, Recipe recipe) => new(directory.Checkpoints)
    {
        Mirror = recipe.Checkpoint.Mirror is { } mirror ? new CheckpointStore(mirror) : null,
    };

    /// <summary>As <see cref="Open"/>, without a mirror that does not answer.</summary>
    /// <param name="say">Takes a line about that.</param>
    public static CheckpointStore OpenAnswering(RunDirectory directory, Recipe recipe, Action<string> say)
    {
        var store = Open(directory, recipe);
        if (store.Mirror is not { } mirror || Manifests(mirror, out var why) is not null) return store;
        say($"checkpoint.mirror {mirror.Directory} {why}: going on without it");
        return new CheckpointStore(directory.Checkpoints);
    }

    /// <summary>The recipe's mirror has a checkpoint, so that a run whose directory is lost can be resumed.</summary>
    public static bool AreMirrored(Recipe recipe) => recipe.Checkpoint.Mirror is { } mirror && Manifests(new CheckpointStore(mirror), out _) is { Count: > 0 };

    /// <summary>Whether a manifest is one of the run: of the same recipe, and of a step that was not made again by a changed one.</summary>
    /// <param name="known">The run's recipe; null: it is lost, and the manifests have it.</param>
    public static bool Belongs(Manifest manifest, RunRecipe? known)
    {
        if (known is null) return true;
        var then = manifest.RecipeHash;
        var changes = 0;
        if (manifest.Recipe is { } text)
        {
            try
            {
                changes = RunRecipe.Parse($"the manifest of step {manifest.Step}", text).Changes.Count;
            }
            catch (BadInputException)
            {
                return false;
            }
        }
        var since = known.Changes.Skip(changes).ToList();
        return changes <= known.Changes.Count && since.All(change => change.After >= manifest.Step) && RecipeChanges.Hashes(then, since)[^1] == known.Hash;
    }

    private static IReadOnlyList<string>? Manifests(CheckpointStore mirror, out string why)
    {
        IReadOnlyList<string>? found = null;
        Exception? fault = null;
        var listing = new Thread(() =>
        {
            try
            {
                found = mirror.Manifests();
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                fault = error;
            }
        })
        {
            IsBackground = true,
            Name = "checkpoint.mirror",
        };
        listing.Start();
        var answers = listing.Join(Patience);
        why = answers && fault is not null ? $"cannot be read ({FaultText.Of(fault)})" : "does not answer";
        return answers ? found : null;
    }
}
