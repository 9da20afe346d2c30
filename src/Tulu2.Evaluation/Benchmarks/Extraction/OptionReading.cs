using System.Text.RegularExpressions;

namespace Tulu2.Evaluation.Benchmarks.Extraction;

/// <summary>
/// Reads which of several lettered options a text gives as its answer, for the fixed mode: "(B)", "B.", "option B", an option's text. A text that gives two gives none.
/// </summary>
internal static partial class OptionReading
{
    /// <param name="options">Text of each option by its letter, A to Z; texts may be empty.</param>
    /// <returns>Null: the text gives none of them, or more than one.</returns>
    public static char? Answer(string output, IReadOnlyDictionary<char, string> options)
    {
        var stated = FinalAnswer.Clause(output);
        var clause = (stated ?? FinalAnswer.LastLine(output)).Trim();
        var brackets = Bracketed(clause, options);
        if (brackets.Count > 0) return brackets is [var only] ? only : null;
        if (Bare(clause, options) is { } letter) return letter;
        var same = options.Where(option => option.Value.Length > 0 && Words(option.Value) is { Length: > 0 } words && words == Words(clause)).Select(option => option.Key).ToList();
        if (same is [var text]) return text;
        return stated is null && Bracketed(output, options) is [var anywhere] ? anywhere : null;
    }

    private static List<char> Bracketed(string text, IReadOnlyDictionary<char, string> options) =>
        [.. InBrackets().Matches(text).Select(match => match.Groups[1].Value[0]).Where(options.ContainsKey).Distinct()];

    // A capital letter at the front, or nothing but a letter. "A" and "I" before a word are words themselves.
    private static char? Bare(string clause, IReadOnlyDictionary<char, string> options)
    {
        var match = AtFront().Match(clause);
        if (!match.Success) return null;
        var (letter, rest) = (match.Groups["letter"].Value[0], match.Groups["rest"].Value);
        var isAlone = rest.All(character => !char.IsLetterOrDigit(character));
        if (char.IsLower(letter) && !isAlone) return null;
        letter = char.ToUpperInvariant(letter);
        if (letter is 'A' or 'I' && rest.StartsWith(' ') && !match.Groups["word"].Success && !Another().IsMatch(rest) && !isAlone) return null;
        if (Another().Match(rest) is { Success: true } other && other.Groups[1].Value[0] != letter && options.ContainsKey(other.Groups[1].Value[0])) return null;
        return options.ContainsKey(letter) ? letter : null;
    }

    private static string Words(string text) => string.Join(' ', ExactMatchMetric.Normal(text).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));

    [GeneratedRegex(@"\(\s*([A-Z])\s*\)")]
    private static partial Regex InBrackets();

    [GeneratedRegex("""^(?<word>(?i:the\s+)?(?i:correct\s+)?(?i:option|choice|letter|answer)\s*:?\s*)?[*_"'`$\[{(\s]*(?:\\text\{)?(?<letter>[A-Za-z])(?![\p{L}\p{N}'’])(?<rest>.*)$""", RegexOptions.Singleline)]
    private static partial Regex AtFront();

    // "A or B", "A and (C)", "A, B".
    [GeneratedRegex(@"^[*_\s.)]*(?:or|and|,|/|&)\s*[*_(]*([A-Z])(?![\p{L}\p{N}])")]
    private static partial Regex Another();
}
