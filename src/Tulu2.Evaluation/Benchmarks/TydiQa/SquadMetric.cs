using System.Globalization;
using System.Text;
using Tulu2.Data.Python;
using Tulu2.Evaluation.Benchmarks.Extraction;

namespace Tulu2.Evaluation.Benchmarks.TydiQa;

/// <summary>SQuAD's exact match and F1 over words (Rajpurkar et al. 2016, <c>evaluate-v1.1.py</c>); the best over the reference answers.</summary>
internal static class SquadMetric
{
    /// <param name="mode">
    /// Parity: the script's own normal form, which knows English only. Fixed: full-width forms and digits of all scripts become ASCII, punctuation and symbols of all scripts
    /// are deleted, and articles in English alone.
    /// </param>
    public static (double F1, double ExactMatch) Score(string output, IReadOnlyList<string> references, EvaluationMode mode, string language)
    {
        Func<string, IReadOnlyList<string>> words = mode == EvaluationMode.Parity ? Original : text => Unified(text, language);
        var given = words(output);
        var wanted = references.Select(words).ToList();
        return (wanted.Max(reference => F1(given, reference)), wanted.Any(given.SequenceEqual) ? 1 : 0);
    }

    /// <summary>The script's normal form: lower case, no ASCII punctuation, no English articles; its words.</summary>
    public static IReadOnlyList<string> Original(string text) => PythonText.Split(WithoutArticles(PythonText.WithoutPunctuation(PythonText.Lower(text))));

    /// <summary>The normal form of the fixed mode; its words.</summary>
    public static IReadOnlyList<string> Unified(string text, string language)
    {
        var plain = new StringBuilder(text.Length);
        foreach (var (_, given) in PythonText.Runes(PythonText.Lower(text)))
        {
            var rune = new Rune(FullWidth.ToAscii(given.Value));
            if (Rune.GetUnicodeCategory(rune) == UnicodeCategory.DecimalDigitNumber) plain.Append((char)('0' + (int)Rune.GetNumericValue(rune)));
            else if (!(Rune.IsPunctuation(rune) || Rune.IsSymbol(rune) || Rune.GetUnicodeCategory(rune) == UnicodeCategory.Format)) plain.Append(rune.ToString());
        }
        return PythonText.Split(language == "english" ? WithoutArticles(plain.ToString()) : plain.ToString());
    }

    private static double F1(IReadOnlyList<string> given, IReadOnlyList<string> wanted)
    {
        var left = wanted.CountBy(word => word).ToDictionary();
        var common = 0;
        foreach (var word in given)
        {
            if (left.GetValueOrDefault(word) is not (> 0 and var count)) continue;
            left[word] = count - 1;
            common++;
        }
        if (common == 0) return 0;
        var (precision, recall) = (1.0 * common / given.Count, 1.0 * common / wanted.Count);
        return 2 * precision * recall / (precision + recall);
    }

    // Python's \b(a|an|the)\b: a whole run of word characters, in which marks are none.
    private static string WithoutArticles(string text)
    {
        var kept = new StringBuilder(text.Length);
        var begin = -1;
        foreach (var (at, rune) in PythonText.Runes(text))
        {
            if (PythonText.IsWord(rune))
            {
                if (begin < 0) begin = at;
                continue;
            }
            Put(at);
            kept.Append(text, at, rune.Utf16SequenceLength);
        }
        Put(text.Length);
        return kept.ToString();

        void Put(int end)
        {
            if (begin < 0) return;
            var run = text[begin..end];
            kept.Append(run is "a" or "an" or "the" ? " " : run);
            begin = -1;
        }
    }
}
