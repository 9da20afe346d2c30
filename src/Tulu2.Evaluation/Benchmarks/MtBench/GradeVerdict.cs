using System.Globalization;
using System.Text.RegularExpressions;
using Tulu2.Evaluation.Benchmarks.Extraction;

namespace Tulu2.Evaluation.Benchmarks.MtBench;

/// <summary>Reads the judge's grade. Pure.</summary>
internal static partial class GradeVerdict
{
    private const double Lowest = 1, Highest = 10;

    /// <returns>Null: no grade can be read.</returns>
    public static double? Parse(string verdict, EvaluationMode mode) => mode == EvaluationMode.Parity ? AsTheOriginal(verdict) : Tolerant(verdict);

    // The first number in double brackets, else the first in single ones; any number, as Python writes them (no 07, no digits of other scripts: those end FastChat).
    private static double? AsTheOriginal(string verdict)
    {
        var match = DoubleBrackets().Match(verdict) is { Success: true } found ? found : SingleBrackets().Match(verdict);
        var digits = match.Groups[1].Value;
        if (!match.Success || digits.Any(digit => !char.IsAscii(digit))) return null;
        if (!digits.Contains('.', StringComparison.Ordinal) && digits.Length > 1 && digits[0] == '0' && digits.Trim('0').Length > 0) return null;
        return double.Parse(digits, CultureInfo.InvariantCulture);
    }

    // The last grade from 1 to 10: judges first repeat the format that they were told to use.
    private static double? Tolerant(string verdict)
    {
        var text = string.Concat(verdict.Select(character => (char)FullWidth.ToAscii(character)));
        text = string.Concat(text.Select(character => char.IsDigit(character) ? (char)('0' + CharUnicodeInfo.GetDecimalDigitValue(character)) : character));
        return Last(LooseDoubleBrackets()) ?? Last(LooseSingleBrackets()) ?? Last(Words());

        double? Last(Regex form) => form.Matches(text).Select(match => double.Parse(match.Groups[1].Value.Replace(',', '.'), CultureInfo.InvariantCulture))
            .Where(grade => grade is >= Lowest and <= Highest).Select(grade => (double?)grade).LastOrDefault();
    }

    [GeneratedRegex(@"\[\[(\d+\.?\d*)\]\]")]
    private static partial Regex DoubleBrackets();

    [GeneratedRegex(@"\[(\d+\.?\d*)\]")]
    private static partial Regex SingleBrackets();

    [GeneratedRegex(@"\[\[\s*\**(?:rating:?\s*)?([0-9]+(?:[.,][0-9]+)?)\.?\**\s*(?:/\s*10|out of 10)?\s*\]\]", RegexOptions.IgnoreCase)]
    private static partial Regex LooseDoubleBrackets();

    [GeneratedRegex(@"\[\s*\**(?:rating:?\s*)?([0-9]+(?:[.,][0-9]+)?)\.?\**\s*(?:/\s*10|out of 10)?\s*\]", RegexOptions.IgnoreCase)]
    private static partial Regex LooseSingleBrackets();

    // "Rating: 7", "Rating: **7**/10".
    [GeneratedRegex(@"\brating\b[\s:=*]{0,6}([0-9]+(?:[.,][0-9]+)?)(?![0-9.,]*[0-9])(?!\s*[-–]\s*[0-9])", RegexOptions.IgnoreCase)]
    private static partial Regex Words();
}
