namespace Tulu2.Evaluation.Resampling;

/// <summary>An interval that holds the value in 95 of 100 new draws of items.</summary>
public sealed record Interval(double Low, double High)
{
    /// <summary>Standard errors of 95 % on either side.</summary>
    private const double Normal = 1.959963984540054;

    public bool Contains(double value) => Low <= value && value <= High;

    /// <summary>The middle 95 % of resampled values; between two of them on the straight line.</summary>
    /// <param name="values">At least one is finite; a draw of items none of which has a score is left out.</param>
    public static Interval Of(IReadOnlyList<double> values)
    {
        var sorted = values.Where(double.IsFinite).Order().ToList();
        return new Interval(At(0.025), At(0.975));

        double At(double share)
        {
            var place = share * (sorted.Count - 1);
            var below = (int)place;
            return sorted[below] + (place - below) * (sorted[Math.Min(below + 1, sorted.Count - 1)] - sorted[below]);
        }
    }

    /// <summary>The same from a standard error, where there are no items to draw from.</summary>
    /// <param name="range">The values that there are: a standard error knows nothing of them. Null: any.</param>
    public static Interval Of(double value, double standardError, (double Low, double High)? range = null)
    {
        var (low, high) = (value - Normal * standardError, value + Normal * standardError);
        return range is { } bounds ? new Interval(Math.Max(low, bounds.Low), Math.Min(high, bounds.High)) : new Interval(low, high);
    }
}
