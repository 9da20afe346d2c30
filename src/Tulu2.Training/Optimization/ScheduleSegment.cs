using Tulu2.Training.Recipes;

namespace Tulu2.Training.Optimization;

/// <summary>A run's schedule from one update on. A run whose recipe was changed has several segments, in order of the changes.</summary>
/// <param name="From">First update (from 0) to which it applies, unless a later segment applies too.</param>
/// <param name="Peak">Rate at the end of the warm-up.</param>
/// <param name="Floor">Rate at the end of the run, as a part of the peak.</param>
/// <param name="TotalSteps">Number of updates of the whole run, as planned at that time.</param>
public sealed record ScheduleSegment(int From, ScheduleKind Kind, double Peak, int TotalSteps, int WarmupSteps, double Floor = 0)
{
    /// <summary>The schedule of a recipe.</summary>
    public static ScheduleSegment Of(Recipe recipe, int totalSteps, int from = 0) =>
        new(from, recipe.Schedule.Kind, recipe.Optimizer.LearningRate, totalSteps, Warmup(recipe, totalSteps), recipe.Schedule.Floor);

    /// <summary>Number of updates of the warm-up; a ratio is rounded up, or down with the open-instruct profile.</summary>
    public static int Warmup(Recipe recipe, int totalSteps) =>
        LearningRateSchedule.Warmup(recipe.Schedule.Warmup, totalSteps, roundDown: recipe.Profile == Profile.OpenInstruct);

    /// <summary>Rate of update <paramref name="update"/>, counted from 0, by the last segment that applies to it.</summary>
    public static double At(IReadOnlyList<ScheduleSegment> segments, int update)
    {
        var held = segments.Last(segment => segment.From <= update);
        return new LearningRateSchedule(held.Kind, held.Peak, held.TotalSteps, held.WarmupSteps, held.Floor).At(update);
    }
}
