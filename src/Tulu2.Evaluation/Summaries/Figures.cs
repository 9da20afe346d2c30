using Tulu2.Evaluation.Resampling;
using Tulu2.Files;

namespace Tulu2.Evaluation.Summaries;

/// <summary>Numbers of a report as text.</summary>
internal static class Figures
{
    public const string Minus = "−";

    /// <summary>Nothing rounds to a negative zero.</summary>
    public static string Text(double value, int digits) => value < 0 ? Signed(value, digits) : NumberText.Fixed(value, digits);

    /// <summary>With a sign, but none before what rounds to zero.</summary>
    public static string Signed(double value, int digits)
    {
        var size = NumberText.Fixed(Math.Abs(value), digits);
        return size.All(letter => letter is '0' or '.') ? size : (value < 0 ? Minus : "+") + size;
    }

    public static string Text(Interval interval, int digits) => $"{Text(interval.Low, digits)} to {Text(interval.High, digits)}";

    /// <summary>A probability.</summary>
    public static string P(double p) => p < 0.0001 ? "< 0.0001" : NumberText.Fixed(p, p < 0.1 ? 4 : 2);
}
