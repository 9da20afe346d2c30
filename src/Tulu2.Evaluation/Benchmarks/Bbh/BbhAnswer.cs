using System.Globalization;
using System.Text.RegularExpressions;
using Tulu2.Data.Python;
using Tulu2.Evaluation.Benchmarks.Extraction;

namespace Tulu2.Evaluation.Benchmarks.Bbh;

/// <summary>How an answer is read out of an output, and judged.</summary>
internal static partial class BbhAnswer
{
    private const string Brackets = "()[]{}<>";

    /// <summary>
    /// open-instruct's extraction: what follows the first "the answer is" up to the next full stop of the line, else the whole output, stripped. The class <c>[t|T]</c> also
    /// takes a bar for the letter.
    /// </summary>
    public static string Original(string output) => PythonText.Strip(Phrase().Match(output) is { Success: true } found ? found.Groups[1].Value : output);

    /// <summary>As open-instruct judges: <see cref="ExactMatchMetric"/>, for which all closings of brackets of one length are equal, and -5 is 5.</summary>
    public static bool IsExact(string output, string expected) => ExactMatchMetric.IsMatch(Original(output), expected);

    /// <summary>
    /// The fixed judgement, by the kind of the expected answer: an option's letter (<see cref="OptionReading"/>), a number (<see cref="NumberReading"/>), brackets one by one, a
    /// word at the front, or a list of words.
    /// </summary>
    /// <param name="input">The question, whose options say which letters there are.</param>
    /// <param name="read">What was read out of the output, for people.</param>
    public static bool IsRight(string output, string expected, string input, out string read)
    {
        if (OptionTarget().Match(expected) is { Success: true } option)
        {
            var letter = OptionReading.Answer(output, OptionsOf(input, option.Groups[1].Value[0]));
            read = letter is { } given ? $"({given})" : "no option";
            return read == expected;
        }
        if (NumberTarget().IsMatch(expected))
        {
            var number = NumberReading.Answer(output);
            read = number?.ToString(CultureInfo.InvariantCulture) ?? "no number";
            return NumberReading.AreEqual(number, NumberReading.Reference(expected));
        }
        var clause = FinalAnswer.Clause(output);
        if (expected.Length > 0 && expected.All(character => character == ' ' || Brackets.Contains(character, StringComparison.Ordinal)))
        {
            read = BracketsOf(clause ?? FinalAnswer.LastLine(output));
            return read == BracketsOf(expected);
        }
        var (wanted, words) = (Words(expected), Words(clause ?? (Words(expected).Count > 1 ? output : FinalAnswer.LastLine(output))));
        read = string.Join(' ', words);
        return wanted.Count == 1 ? words.Count > 0 && words[0] == wanted[0] : words.SequenceEqual(wanted);
    }

    private static Dictionary<char, string> OptionsOf(string input, char expected)
    {
        var options = OptionLine().Matches(input).DistinctBy(line => line.Groups[1].Value).ToDictionary(line => line.Groups[1].Value[0], line => line.Groups[2].Value.Trim());
        return options.ContainsKey(expected) ? options : Enumerable.Range('A', 26).ToDictionary(letter => (char)letter, _ => "");
    }

    private static string BracketsOf(string text) => string.Concat(text.Where(character => Brackets.Contains(character, StringComparison.Ordinal)));

    private static IReadOnlyList<string> Words(string text) => PythonText.Split(ExactMatchMetric.Normal(text.Replace(',', ' ')));

    [GeneratedRegex(@"[t|T]he answer is (.*?)\.")]
    private static partial Regex Phrase();

    [GeneratedRegex(@"^\(([A-Z])\)$")]
    private static partial Regex OptionTarget();

    [GeneratedRegex(@"^-?\d+(?:\.\d+)?$")]
    private static partial Regex NumberTarget();

    [GeneratedRegex(@"^\(([A-Z])\)[ \t]*(.*)$", RegexOptions.Multiline)]
    private static partial Regex OptionLine();
}
