using System.Buffers;
using System.Globalization;
using System.Text;

namespace Tulu2.Data.Python;

/// <summary>Methods of Python's <c>str</c> as the original evaluations use them, where .NET's differ.</summary>
internal static class PythonText
{
    /// <summary><c>string.punctuation</c>: the ASCII characters that are neither letters, digits, space nor controls.</summary>
    public const string Punctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

    private static readonly SearchValues<char> Marks = SearchValues.Create(Punctuation);

    /// <summary><c>str.isspace()</c>: .NET's white space and the four separator control characters U+001C to U+001F.</summary>
    public static bool IsSpace(char character) => char.IsWhiteSpace(character) || character is >= '\u001c' and <= '\u001f';

    /// <summary><c>str.strip()</c>.</summary>
    public static string Strip(string text)
    {
        var (start, end) = (0, text.Length);
        while (start < end && IsSpace(text[start])) start++;
        while (end > start && IsSpace(text[end - 1])) end--;
        return text[start..end];
    }

    /// <summary><c>str.split()</c>: the words between runs of white space.</summary>
    public static IReadOnlyList<string> Split(string text)
    {
        var words = new List<string>();
        for (var at = 0; at < text.Length;)
        {
            var begin = at;
            while (at < text.Length && !IsSpace(text[at])) at++;
            if (at > begin) words.Add(text[begin..at]);
            else at++;
        }
        return words;
    }

    /// <summary>
    /// <c>str.lower()</c>: U+0130 becomes two characters, and a sigma at the end of a word its final form (Unicode, SpecialCasing).
    /// </summary>
    public static string Lower(string text)
    {
        if (Ascii.IsValid(text)) return text.ToLowerInvariant();
        var lower = new StringBuilder(text.Length);
        foreach (var (at, rune) in Runes(text))
        {
            if (rune.Value == 0x130) lower.Append("i\u0307");
            else if (rune.Value == 0x3A3) lower.Append(EndsWord(text, at) ? '\u03C2' : '\u03C3');
            else lower.Append(Rune.ToLowerInvariant(rune));
        }
        return lower.ToString();
    }

    /// <summary><c>str.translate</c> with a table that deletes <see cref="Punctuation"/>.</summary>
    public static string WithoutPunctuation(string text) =>
        text.AsSpan().IndexOfAny(Marks) < 0 ? text : string.Concat(text.Where(character => !Marks.Contains(character)));

    /// <summary>What <c>\w</c> matches in a pattern of <c>re</c>: letters, all kinds of numbers and the underscore, but no marks, which .NET's takes too.</summary>
    public static bool IsWord(Rune rune) => rune.Value == '_' || Rune.IsLetter(rune) || Rune.IsNumber(rune);

    /// <summary>The characters of a text with the places where they begin; a lone surrogate counts as U+FFFD.</summary>
    public static IEnumerable<(int At, Rune Rune)> Runes(string text)
    {
        for (var at = 0; at < text.Length;)
        {
            Rune.DecodeFromUtf16(text.AsSpan(at), out var rune, out var length);
            yield return (at, rune);
            at += length;
        }
    }

    // Unicode's condition Final_Sigma: a cased letter before it and none after it, case-ignorable characters left out.
    private static bool EndsWord(string text, int at)
    {
        var before = at - 1;
        while (before >= 0 && IsIgnorable(text[before])) before--;
        var after = at + 1;
        while (after < text.Length && IsIgnorable(text[after])) after++;
        return before >= 0 && IsCased(text[before]) && !(after < text.Length && IsCased(text[after]));
    }

    private static bool IsCased(char character) =>
        char.GetUnicodeCategory(character) is UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter;

    private static bool IsIgnorable(char character) => character is '\'' or '.' or ':' or '\u00B7' or '\u2019' || char.GetUnicodeCategory(character) is
        UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark or UnicodeCategory.Format or UnicodeCategory.ModifierLetter or UnicodeCategory.ModifierSymbol;
}
