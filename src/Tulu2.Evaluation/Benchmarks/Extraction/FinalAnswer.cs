using System.Text.RegularExpressions;
using Tulu2.Data.Python;

namespace Tulu2.Evaluation.Benchmarks.Extraction;

/// <summary>Finds where a text says its answer, for the fixed mode: the last of <c>\boxed{…}</c>, <c>####</c> and phrases such as "the answer is".</summary>
internal static partial class FinalAnswer
{
    /// <summary>What follows the last mark up to the end of its line, or the next line that has a word where the mark ends one; null: there is no mark.</summary>
    public static string? Clause(string output)
    {
        var boxed = LastBoxed(output);
        var mark = Marks().Matches(output).LastOrDefault();
        if (boxed is { } box && (mark is null || box.At > mark.Index)) return box.Content;
        return mark is null ? null : FirstLine(output[(mark.Index + mark.Length)..]);
    }

    /// <summary>The last line that has a word; empty where there is none.</summary>
    public static string LastLine(string output) => output.Split('\n').Select(PythonText.Strip).LastOrDefault(line => line.Length > 0) ?? "";

    private static string FirstLine(string text) => text.Split('\n').Select(Bare).FirstOrDefault(line => line.Length > 0) ?? "";

    // Without the rest of a mark: a colon, emphasis.
    private static string Bare(string line) => line.Trim().TrimStart(':', '*', '_').Trim();

    private static (int At, string Content)? LastBoxed(string output)
    {
        var at = output.LastIndexOf(@"\boxed{", StringComparison.Ordinal);
        if (at < 0) return null;
        var (begin, depth) = (at + @"\boxed{".Length, 1);
        for (var end = begin; end < output.Length; end++)
        {
            if (output[end] == '{') depth++;
            else if (output[end] == '}' && --depth == 0) return (at, output[begin..end]);
        }
        return (at, FirstLine(output[begin..]));
    }

    // "The answer: 5", "**Answer** is 5", "the answer to the question is 5", "#### 5".
    [GeneratedRegex(@"\banswers?\b[*_\s]*(?:(?:to|for)\b[^\n.]{0,80}?\b(?:is|are)\b|is\b|are\b|was\b|would\s+be\b|will\s+be\b|:|=)|####", RegexOptions.IgnoreCase)]
    private static partial Regex Marks();
}
