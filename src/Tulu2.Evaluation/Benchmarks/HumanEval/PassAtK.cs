namespace Tulu2.Evaluation.Benchmarks.HumanEval;

/// <summary>The unbiased estimate of pass@k (Chen et al. 2021, section 2.1). Pure.</summary>
public static class PassAtK
{
    /// <summary>
    /// The probability that at least one of <paramref name="k"/> samples, drawn without replacement from <paramref name="samples"/>, is among the
    /// <paramref name="correct"/> ones: 1 - C(n - c, k) / C(n, k), as a product of small factors.
    /// </summary>
    public static double Estimate(int samples, int correct, int k)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(k, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(samples, k);
        ArgumentOutOfRangeException.ThrowIfNegative(correct);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(correct, samples);
        if (samples - correct < k) return 1;
        var none = 1.0;
        for (var of = samples - correct + 1; of <= samples; of++) none *= 1 - (double)k / of;
        return 1 - none;
    }
}
