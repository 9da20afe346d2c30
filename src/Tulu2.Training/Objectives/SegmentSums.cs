namespace Tulu2.Training.Objectives;

/// <summary>Sums of token log-probabilities by segment.</summary>
internal static class SegmentSums
{
    /// <summary>
    /// Adds up each segment's scored rows in row order, in double, and rounds the sum to float once: the reference log-probabilities are kept as float,
    /// and a policy equal to its reference has to come out equal to the last bit.
    /// </summary>
    public static float[] Of(ReadOnlySpan<float> logProbabilities_R, ReadOnlySpan<int> scoredSegments_R, int segments)
    {
        var sums = new double[segments];
        for (var row = 0; row < logProbabilities_R.Length; row++) sums[scoredSegments_R[row]] += logProbabilities_R[row];
        return Array.ConvertAll(sums, sum => (float)sum);
    }
}
