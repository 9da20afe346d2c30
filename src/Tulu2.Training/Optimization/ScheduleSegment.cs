using Tulu2.Training.Recipes;

namespace Tulu2.Training.Optimization;

/// <summary>The schedule of a run from an update on; a run whose recipe was changed has several, in the order in which they were decided.</summary>
/// <param name="From">First update (from 0) that it holds for, until a later decision.</param>
/// <param name="Peak">Rate at the end of the warm-up.</param>
/// <param name="TotalSteps">Updates of the whole run, as they were planned then.</param>
public sealed record ScheduleSegment(int From, ScheduleKind Kind, double Peak, int TotalSteps, int WarmupSteps)
{
    /// <summary>What the recipe says by itself.</summary>
    public static ScheduleSegment Of(Recipe recipe, int totalSteps, int from = 0) =>
        new(from, recipe.Schedule.Kind, recipe.Optimizer.LearningRate, totalSteps, Warmup(recipe, totalSteps));

    /// <summary>Updates of the warm-up: a ratio is rounded up, in open-instruct down.</summary>
    public static int Warmup(Recipe recipe, int totalSteps) =>
        LearningRateSchedule.Warmup(recipe.Schedule.Warmup, totalSteps, roundDown: recipe.Profile == Profile.OpenInstruct);

    /// <summary>Rate of update <paramref name="update"/>, counted from 0: the last decision that holds for it counts.</summary>
    public static double At(IReadOnlyList<ScheduleSegment> segments, int update)
    {
        var held = segments.Last(segment => segment.From <= update);
        return new LearningRateSchedule(held.Kind, held.Peak, held.TotalSteps, held.WarmupSteps).At(update);
    }
}
