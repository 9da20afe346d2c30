namespace Tulu2.Evaluation.Reporting;

/// <summary>Exponential moving average with bias correction, as in TensorBoard. Pure.</summary>
internal static class Smoothing
{
    /// <summary>Minimum number of points of a curve that is smoothed.</summary>
    public const int FewestPoints = 10;

    private const int LongRun = 1000;

    /// <summary>Weight of the previous average in the next one.</summary>
    public static double Constant(int points) => points < LongRun ? 0.9 : 0.98;

    /// <param name="values">[steps]; values that are not finite do not change the average.</param>
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
