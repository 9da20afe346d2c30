using Tulu2.Cluster.Ranks;
using Tulu2.Collectives.Layout;
using Tulu2.Data.Slots;
using Tulu2.Models.Parameters;
using Tulu2.Runs.RunFiles;
using Tulu2.Training.Optimization;
using Tulu2.Training.Recipes;
using Tulu2.Training.Recipes.Reading;

namespace Tulu2.Runs.Preparation;

/// <summary>Everything about a run that is known before its first step.</summary>
/// <param name="Recipe">Effective: profile applied, virtual shards as they are used.</param>
/// <param name="Reference">Null for SFT.</param>
internal sealed record PreparedRun(
    Recipe Recipe, ModelSource Model, ModelParameters Parameters, TrainingData Data, BatchPlan Batches, ReferencePlan? Reference, ParallelLayout Parallel) : IDisposable
{
    /// <summary>The counts that the effects of the recipe depend on.</summary>
    public RunCounts Counts => new() { Items = Batches.ItemsPerEpoch, Steps = Batches.TotalSteps, Positions = Model.Config.MaxPositions, Layout = Parallel };

    /// <summary>Null: the run does not validate.</summary>
    public ValidationPlan? Validation { get; init; }

    /// <summary>The reference pass over everything that needs it; null: nothing does.</summary>
    public IReferencePlan? ReferencePass => Reference is { } training && Validation?.Reference is { } validation ? new ReferencePasses(training, validation) : Reference;

    /// <summary>Changes of the recipe during the run, in order.</summary>
    public required IReadOnlyList<RecipeChange> Changes { get; init; }

    /// <summary>The recipe at the start of the run, and after each change; the last one is the current recipe.</summary>
    public required IReadOnlyList<Recipe> Stages { get; init; }

    /// <summary>The recipe hash at the start of the run, and after each change.</summary>
    public required IReadOnlyList<string> Hashes { get; init; }

    /// <summary>What the recipe's names on a hub stand for.</summary>
    public HubNames Names { get; init; } = HubNames.None;

    /// <summary>The recipe with its names on a hub, in place of the paths that they stand for here.</summary>
    public Recipe Named => Names.Restore(Recipe);

    /// <summary>Hash of everything that decides the run's bits.</summary>
    public string RecipeHash => Hashes[^1];

    /// <summary>The recipe hash with which a step is made.</summary>
    public string HashAt(int step) => Hashes[Changes.Count(change => change.After < step)];

    /// <summary>The schedule at the start of the run, and after each change; empty: there was no change.</summary>
    public IReadOnlyList<ScheduleSegment> Schedules => Changes.Count == 0 ? []
        : [.. Stages.Select((stage, index) =>
            ScheduleSegment.Of(stage, Batches.StepsOf(stage.Epochs, stage.Steps), index == 0 ? 0 : Changes[index - 1].After))];

    /// <summary>The recipe as the run directory and every manifest store it.</summary>
    public RunRecipe Remembered => new(Named, RecipeHash, Changes) { Commits = Names.Commits };

    /// <summary>The rows of the training and the validation files that were left out, one line each; a file may be both.</summary>
    public IEnumerable<string> LeftOut() => Data.LeftOut().Union(Validation?.LeftOut() ?? []);

    public void Dispose()
    {
        Validation?.Dispose();
        Data.Dispose();
    }
}
