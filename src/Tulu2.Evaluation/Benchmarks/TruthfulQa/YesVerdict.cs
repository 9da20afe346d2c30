using System.Globalization;
using Tulu2.Files;

namespace Tulu2.Evaluation.Benchmarks.TruthfulQa;

/// <summary>What a judge said: the probability that it continues with <c> yes</c>.</summary>
public sealed record YesVerdict(double Probability)
{
    private const double Threshold = 0.5;

    public bool IsYes => Probability >= Threshold;

    /// <summary>As a judge gives it.</summary>
    public override string ToString() => Probability.ToString("R", CultureInfo.InvariantCulture);

    /// <summary>As <see cref="TryParse"/>, of a text that must be a verdict.</summary>
    /// <exception cref="BadInputException">It is none.</exception>
    public static YesVerdict Parse(string text, string where) =>
        TryParse(text) ?? throw new BadInputException(where, $"'{text}' is no verdict on truth", "give the probability of yes, or yes or no");

    /// <summary>Reads a probability, or the word yes or no, which counts as 1 or 0; null: it is no verdict.</summary>
    public static YesVerdict? TryParse(string text)
    {
        var word = text.Trim().TrimEnd('.');
        if (word.Equals("yes", StringComparison.OrdinalIgnoreCase)) return new YesVerdict(1);
        if (word.Equals("no", StringComparison.OrdinalIgnoreCase)) return new YesVerdict(0);
        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && value is >= 0 and <= 1 ? new YesVerdict(value) : null;
    }
}
