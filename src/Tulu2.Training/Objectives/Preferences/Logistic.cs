namespace Tulu2.Training.Objectives.Preferences;

/// <summary>The logistic function and its integral, accurate for arguments of any size.</summary>
internal static class Logistic
{
    /// <summary>1 / (1 + exp(-z)).</summary>
    public static double Of(double z)
    {
        var tail = Math.Exp(-Math.Abs(z));
        return z >= 0 ? 1 / (1 + tail) : tail / (1 + tail);
    }

    /// <summary>log(1 + exp(z)) without overflow and without loss of small values.</summary>
    public static double SoftPlus(double z) => Math.Max(z, 0) + LogOnePlus(Math.Exp(-Math.Abs(z)));

    // log(1 + x) keeps no digit of a small x; the quotient restores what the addition rounded away (Goldberg 1991, theorem 4).
    private static double LogOnePlus(double x)
    {
        var sum = 1 + x;
        return sum == 1 ? x : Math.Log(sum) * (x / (sum - 1));
    }
}
