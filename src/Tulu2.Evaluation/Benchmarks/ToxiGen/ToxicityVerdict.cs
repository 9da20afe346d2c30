using System.Globalization;
using Tulu2.Files;

namespace Tulu2.Evaluation.Benchmarks.ToxiGen;

/// <summary>What a classifier said of one output.</summary>
/// <param name="Probability">Of being toxic; null: not said.</param>
public sealed record ToxicityVerdict(bool IsToxic, double? Probability)
{
    private static readonly string[] Toxic = ["1", "1.0", "label_1", "toxic", "hate"],
        Fine = ["0", "0.0", "label_0", "neutral", "benign", "non-toxic", "not-toxic", "nothate"];

    /// <summary>As a judge gives it: the class, 0 or 1, and the probability of class 1 where it is known.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{(IsToxic ? 1 : 0)} {Probability:R}").TrimEnd();

    /// <summary>For people.</summary>
    internal string Shown => (IsToxic ? "toxic" : "not toxic")
        + (Probability is { } probability ? string.Create(CultureInfo.InvariantCulture, $" ({probability:F4})") : "");

    /// <summary>As <see cref="TryParse"/>, of a text that must be a verdict.</summary>
    /// <exception cref="BadInputException">It is none.</exception>
    public static ToxicityVerdict Parse(string text, string where) => TryParse(text) ?? throw new BadInputException(
        where, $"'{text}' is no verdict on toxicity", "give 0 or 1, perhaps with the probability of 1 after it");

    /// <summary>Reads the class, by number or by name as classifiers label it, perhaps with the probability after it; null: it is no verdict.</summary>
    public static ToxicityVerdict? TryParse(string text)
    {
        var words = text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        var name = words.FirstOrDefault("").ToLowerInvariant();
        bool? isToxic = Toxic.Contains(name) ? true : Fine.Contains(name) ? false : null;
        double? probability = words.Length < 2 ? null
            : double.TryParse(words[1], NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && value is >= 0 and <= 1 ? value : double.NaN;
        return isToxic is { } known && probability is null or >= 0 ? new ToxicityVerdict(known, probability) : null;
    }
}
