using Tulu2.Files;
using Tulu2.Training.Recipes;

namespace Tulu2.Training.Optimization;

/// <summary>
/// The learning rate of each update: linear from 0 to the peak during warm-up, then linear or along half a cosine wave to the floor at the end of the run, or
/// constant (docs/reference/tulu2.md, SFT: the schedule). With a warm-up, the first update has rate 0.
/// </summary>
/// <param name="peak">Rate at the end of the warm-up.</param>
/// <param name="totalSteps">Updates of the whole run.</param>
/// <param name="floor">Rate at the end of the run, as a part of the peak: 0 to 1.</param>
public sealed class LearningRateSchedule(ScheduleKind kind, double peak, int totalSteps, int warmupSteps, double floor = 0)
{
    public int WarmupSteps { get; } = warmupSteps;

    /// <summary>Rate of update <paramref name="update"/>, counted from 0 (update s makes step s + 1).</summary>
    public double At(int update)
    {
        if (update < WarmupSteps) return peak * update / WarmupSteps;
        if (kind == ScheduleKind.Constant) return peak;
        if (update >= totalSteps) return peak * floor;
        var left = totalSteps - update;
        // Without a floor in this order of operations, whose bits older runs have.
        if (kind == ScheduleKind.Linear && floor == 0) return peak * left / (totalSteps - WarmupSteps);
        var part = (double)left / (totalSteps - WarmupSteps);
        if (kind == ScheduleKind.Cosine) part = (1 - Math.Cos(Math.PI * part)) / 2;
        return peak * (floor + (1 - floor) * part);
    }

    /// <summary>Converts the recipe's warm-up to steps.</summary>
    /// <param name="warmup">Below 1: a ratio of all steps; otherwise a number of steps.</param>
    /// <param name="roundDown">Round a ratio down to whole steps, as open-instruct does, instead of up.</param>
    /// <exception cref="BadInputException">Negative, or a number of steps that is not whole.</exception>
    public static int Warmup(double warmup, int totalSteps, bool roundDown)
    {
        if (!double.IsFinite(warmup) || warmup < 0 || warmup > int.MaxValue)
            throw new BadInputException("schedule.warmup", $"{warmup} is neither a ratio nor a number of steps", "give a ratio below 1, or a whole number of steps");
        if (warmup >= 1)
            return warmup == Math.Floor(warmup) ? (int)warmup
                : throw new BadInputException("schedule.warmup", $"{warmup} steps is not a whole number", "give a ratio below 1, or a whole number of steps");
        // In decimal, because 0.07 * 100 is 7.000000000000001 in double and its ceiling 8.
        var steps = (decimal)warmup * totalSteps;
        return (int)(roundDown ? decimal.Floor(steps) : decimal.Ceiling(steps));
    }
}
