namespace Tulu2.Evaluation.Reporting;

/// <summary>The curve behind a noisy one: an exponential moving average without the pull of its start, as TensorBoard draws it. Pure.</summary>
internal static class Smoothing
{
    /// <summary>Below this many points a curve is as easily read as it is.</summary>
    public const int FewestPoints = 10;

    private const int LongRun = 1000;

    /// <summary>What each point keeps of the average before it.</summary>
    public static double Constant(int points) => points < LongRun ? 0.9 : 0.98;

    /// <param name="values">One a step; those that are not finite leave the average as it is.</param>
    /// <param name="constant">In [0, 1).</param>
    public static double[] Of(IReadOnlyList<double> values, double constant)
    {
        var smoothed = new double[values.Count];
        var (sum, weight) = (0.0, 0.0);
        for (var i = 0; i < values.Count; i++)
        {
            if (double.IsFinite(values[i])) (sum, weight) = (constant * sum + values[i], constant * weight + 1);
            smoothed[i] = weight > 0 ? sum / weight : double.NaN;
        }
        return smoothed;
    }
}
