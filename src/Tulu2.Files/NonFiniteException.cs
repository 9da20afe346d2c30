using System.Globalization;

namespace Tulu2.Files;

/// <summary>
/// A number computed by a model or a step is NaN or infinite. Trying again would give the same number; the command line prints the error as one block and ends
/// with exit code 1.
/// </summary>
/// <param name="where">The row, tensor or step that the number belongs to.</param>
/// <param name="what">Which number, and what it is.</param>
/// <param name="fix">What the user can do about it.</param>
public class NonFiniteException(string where, string what, string fix) : ArithmeticException($"{where}: {what}")
{
    /// <summary>The fix where the model's own weights are at fault.</summary>
    public const string BrokenWeights = "the model's weights are broken or far too large: take an earlier checkpoint, or copy the model again from its source";

    public string Where { get; } = where;
    public string What { get; } = what;
    public string Fix { get; } = fix;

    /// <summary>NaN, Infinity or -Infinity.</summary>
    protected static string Text(double value) => value.ToString(CultureInfo.InvariantCulture);

    /// <exception cref="NonFiniteException">The value is not a finite number.</exception>
    public static void Check(double value, Func<(string Where, string Figure)> name, string fix)
    {
        if (double.IsFinite(value)) return;
        var (where, figure) = name();
        throw new NonFiniteException(where, $"{figure} is {Text(value)}", fix);
    }
}
