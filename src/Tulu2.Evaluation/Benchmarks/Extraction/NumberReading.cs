using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Tulu2.Evaluation.Benchmarks.Extraction;

/// <summary>
/// Reads numbers out of what a model wrote, for the fixed mode: signs (but not of <c>20-12</c> and of ranges), thousands, decimals, fractions, currency, LaTeX, digits of all
/// scripts. A digit right after a letter, as in CO2, is no number of its own unless there is no other.
/// </summary>
internal static partial class NumberReading
{
    /// <summary>Numbers that differ by no more are equal: fractions such as 1/3 are not exact.</summary>
    private const decimal Tolerance = 1e-9m;

    /// <summary>
    /// The number that a text gives as its answer: of the clause that says so (<see cref="FinalAnswer"/>), the first number after its last equals sign, or its first number; else
    /// the last number of the text. Null: it has none.
    /// </summary>
    public static decimal? Answer(string output)
    {
        if (FinalAnswer.Clause(output) is { } clause)
        {
            var equals = clause.LastIndexOf('=');
            if (equals >= 0 && All(clause[(equals + 1)..]) is [var result, ..]) return result;
            if (All(clause) is [var first, ..]) return first;
        }
        return All(output) is [.., var last] ? last : null;
    }

    public static bool AreEqual(decimal? one, decimal? other) => one is { } a && other is { } b && Math.Abs(a - b) <= Tolerance;

    /// <summary>A number as a benchmark gives it; null: the text is none.</summary>
    public static decimal? Reference(string text) => All(text) is [var only] ? only : null;

    /// <summary>All numbers of a text, in order.</summary>
    public static IReadOnlyList<decimal> All(string text)
    {
        var plain = Plain(text);
        var matches = Numbers().Matches(plain).ToList();
        var alone = matches.Where(number => !IsInWord(plain, Start(plain, number))).ToList();
        return [.. (alone.Count > 0 ? alone : matches).Select(number => Value(plain, number)).OfType<decimal>()];
    }

    // ASCII digits, signs and separators for those of other scripts, and LaTeX's dress taken off.
    private static string Plain(string text)
    {
        var plain = new StringBuilder(text.Length);
        for (var at = 0; at < text.Length; at += char.IsSurrogatePair(text, at) ? 2 : 1)
        {
            if (CharUnicodeInfo.GetDecimalDigitValue(text, at) is >= 0 and var digit) plain.Append((char)('0' + digit));
            else if (char.IsSurrogatePair(text, at)) plain.Append(text, at, 2);
            else plain.Append(text[at] switch
            {
                '\u2212' or '\u2013' or '\uFE63' or '\uFF0D' => '-',
                '\u066B' or '\uFF0E' => '.',
                '\u066C' or '\uFF0C' or '\u00A0' or '\u2009' or '\u202F' => ',',
                var other => other,
            });
        }
        return Fractions().Replace(plain.ToString(), "$1/$2").Replace("{,}", ",", StringComparison.Ordinal).Replace(@"\,", "", StringComparison.Ordinal)
            .Replace(@"\!", "", StringComparison.Ordinal).Replace(@"\", "", StringComparison.Ordinal);
    }

    // Before the number and its currency sign.
    private static int Start(string text, Match number)
    {
        var at = number.Index;
        if (at > 0 && text[at - 1] == ' ' && at > 1 && char.GetUnicodeCategory(text[at - 2]) == UnicodeCategory.CurrencySymbol) at--;
        if (at > 0 && char.GetUnicodeCategory(text[at - 1]) == UnicodeCategory.CurrencySymbol) at--;
        return at;
    }

    private static bool IsInWord(string text, int start) => start > 0 && (char.IsLetter(text[start - 1]) || text[start - 1] == '_');

    private static decimal? Value(string text, Match number)
    {
        if (Parsed(number.Groups["whole"].Value + number.Groups["decimals"].Value + number.Groups["exponent"].Value) is not { } value) return null;
        if (number.Groups["below"].Success)
        {
            if (Parsed(number.Groups["below"].Value) is not { } below || below == 0) return null;
            var (mixed, above) = (number.Groups["above"].Success, number.Groups["above"].Success ? Parsed(number.Groups["above"].Value) ?? 0 : value);
            value = (mixed ? value : 0) + above / below;
        }
        return IsNegative(text, Start(text, number)) ? -value : value;
    }

    // A minus is a sign unless something stands before it from which it could subtract.
    private static bool IsNegative(string text, int start)
    {
        if (start == 0 || text[start - 1] != '-') return false;
        return start == 1 || !(char.IsLetterOrDigit(text[start - 2]) || text[start - 2] is ')' or ']' or '%' or '-' or '}');
    }

    private static decimal? Parsed(string digits) =>
        decimal.TryParse(digits.Replace(",", "", StringComparison.Ordinal), NumberStyles.Float, CultureInfo.InvariantCulture, out var value) ? value : null;

    [GeneratedRegex(@"\\[dt]?frac\{([^{}]*)\}\{([^{}]*)\}")]
    private static partial Regex Fractions();

    // "3 1/2" is one number, "1,2" are two, and so are "5/" and "/2" of a date's three.
    [GeneratedRegex("""
        (?<![\d.])(?:(?<whole>\d{1,3}(?:,\d{3})+(?!\d)|\d{1,2}(?:,\d{2})+,\d{3}(?!\d)|\d+)(?<decimals>\.\d+)?|(?<decimals>\.\d+))
        (?:(?<exponent>[eE][-+]?\d{1,3})(?![\p{L}\d])|(?:[ ](?<above>\d+))?[ ]?/[ ]?(?<below>\d+)(?![\d/]))?
        """, RegexOptions.IgnorePatternWhitespace)]
    private static partial Regex Numbers();
}
