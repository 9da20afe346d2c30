using Tulu2.Files;

namespace Tulu2.Evaluation.Resampling;

/// <summary>
/// Whether two models differ on common items: the chance of a difference at least as great if each item's two scores could as well have been the other way round.
/// </summary>
/// <param name="Name">Which test, for people.</param>
/// <param name="P">Two-sided; not corrected for the number of tests.</param>
public sealed record PairedTest(string Name, double P)
{
    /// <summary>Up to this number of items that differ, all sign patterns are counted.</summary>
    private const int MostCounted = 16;
    private const int Draws = 10_000;

    /// <param name="differences">Difference of each common item, times its weight in the mean.</param>
    public static PairedTest Of(IReadOnlyList<double> differences, int seed)
    {
        var differing = differences.Where(difference => difference != 0 && double.IsFinite(difference)).ToArray();
        if (differing.Length == 0) return new PairedTest("no item differs", 1);
        var size = Math.Abs(differing[0]);
        // The weights of a mean of datasets make unequal differences of right and wrong.
        if (differing.All(difference => Math.Abs(Math.Abs(difference) - size) <= 1e-9 * size))
            return new PairedTest("McNemar, exact", SignTest(differing.Count(difference => difference > 0), differing.Length));
        return differing.Length <= MostCounted
            ? new PairedTest("sign flips, all counted", Counted(differing))
            : new PairedTest($"sign flips, {NumberText.Count(Draws)} drawn", Drawn(differing, seed));
    }

    // McNemar's exact test: the binomial distribution of the items that only one of the two has right.
    private static double SignTest(int won, int count)
    {
        var few = Math.Min(won, count - won);
        if (2 * few == count) return 1;
        double logarithm = -count * Math.Log(2), sum = Math.Exp(logarithm);
        for (var k = 1; k <= few; k++)
        {
            logarithm += Math.Log((double)(count - k + 1) / k);
            sum += Math.Exp(logarithm);
        }
        return Math.Min(1, 2 * sum);
    }

    private static double Counted(double[] differences)
    {
        var least = Least(differences);
        var (extreme, patterns) = (0, 1 << differences.Length);
        for (var pattern = 0; pattern < patterns; pattern++)
        {
            var sum = 0.0;
            for (var i = 0; i < differences.Length; i++) sum += (pattern >> i & 1) == 0 ? differences[i] : -differences[i];
            if (Math.Abs(sum) >= least) extreme++;
        }
        return (double)extreme / patterns;
    }

    private static double Drawn(double[] differences, int seed)
    {
        var (least, extreme, random) = (Least(differences), 0, new Random(seed));
        for (var draw = 0; draw < Draws; draw++)
        {
            var sum = 0.0;
            // A draw of bits serves 31 items.
            for (int i = 0, bits = 0; i < differences.Length; i++, bits >>= 1)
            {
                if (i % 31 == 0) bits = random.Next();
                sum += (bits & 1) == 0 ? differences[i] : -differences[i];
            }
            if (Math.Abs(sum) >= least) extreme++;
        }
        // The observed signs are one of the draws.
        return (extreme + 1.0) / (Draws + 1);
    }

    // A little less than the observed sum, which is rounded differently in another order.
    private static double Least(double[] differences) => Math.Abs(differences.Sum()) - 1e-12 * differences.Sum(Math.Abs);
}
