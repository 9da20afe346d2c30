using System.Buffers;

namespace Tulu2.Mixtures.Filters;

/// <summary>Finds terms in a text, whatever their case.</summary>
/// <param name="terms">Not empty; none of them empty.</param>
internal sealed class TermSearch(IReadOnlyList<string> terms)
{
    private readonly SearchValues<string> _any = SearchValues.Create([.. terms], StringComparison.OrdinalIgnoreCase);

    /// <summary>The first term that the text has anywhere, also within a word.</summary>
    public string? Anywhere(string text)
    {
        var searched = Lowered(text).AsSpan();
        var at = searched.IndexOfAny(_any);
        return at < 0 ? null : TermAt(searched[at..]);
    }

    /// <summary>The first term that stands in the text with neither a letter nor a digit beside it.</summary>
    public string? AsWord(string text)
    {
        var searched = Lowered(text).AsSpan();
        for (var from = 0; searched[from..].IndexOfAny(_any) is var next and >= 0; from++)
        {
            from += next;
            foreach (var term in terms)
                if (StartsWith(searched[from..], term) && IsWord(searched, from, from + term.Length)) return term;
        }
        return null;
    }

    private string? TermAt(ReadOnlySpan<char> text)
    {
        foreach (var term in terms)
            if (StartsWith(text, term)) return term;
        return null;
    }

    private static bool StartsWith(ReadOnlySpan<char> text, string term) => text.StartsWith(term, StringComparison.OrdinalIgnoreCase);

    private static bool IsWord(ReadOnlySpan<char> text, int begin, int end) =>
        (begin == 0 || !IsPartOfWord(text[begin - 1])) && (end == text.Length || !IsPartOfWord(text[end]));

    private static bool IsPartOfWord(char character) =>
        char.IsLetterOrDigit(character) || char.GetUnicodeCategory(character) == System.Globalization.UnicodeCategory.NonSpacingMark;

    // The two letters beyond ASCII whose lower case in Python begins with an ASCII letter; .NET's comparison leaves them alone.
    private static string Lowered(string text) => text.AsSpan().ContainsAny('\u0130', '\u212a')
        ? text.Replace("\u0130", "i\u0307", StringComparison.Ordinal).Replace('\u212a', 'k') : text;
}
