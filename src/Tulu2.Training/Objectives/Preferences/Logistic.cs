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

    /// <summary>1 - exp(z) for z &lt; 0, to the last digits where z is small too.</summary>
    public static double OneMinusExp(double z)
    {
        // As in LogOnePlus: what exp rounded away is restored by the logarithm of what is left (Higham 2002, 1.14.1).
        var power = Math.Exp(z);
        return power == 1 ? -z : power < 0.5 ? 1 - power : (1 - power) * (z / Math.Log(power));
    }

    // log(1 + x) keeps no digit of a small x; the quotient restores what the addition rounded away (Goldberg 1991, theorem 4).
    private static double LogOnePlus(double x)
    {
        var sum = 1 + x;
        return sum == 1 ? x : Math.Log(sum) * (x / (sum - 1));
    }
}
