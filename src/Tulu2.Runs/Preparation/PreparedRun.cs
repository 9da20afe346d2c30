using Tulu2.Collectives.Layout;
using Tulu2.Data.Slots;
using Tulu2.Models.Llama;
using Tulu2.Runs.RunFiles;
using Tulu2.Training.Optimization;
using Tulu2.Training.Recipes;

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
