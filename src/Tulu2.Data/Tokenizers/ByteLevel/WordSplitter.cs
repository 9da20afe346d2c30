using System.Text;

namespace Tulu2.Data.Tokenizers.ByteLevel;

/// <summary>
/// GPT-2's split of a text into words: <c>'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+</c>. Written out, since the pattern means
/// characters, and .NET's regular expressions see the halves of those above U+FFFF.
/// </summary>
internal static class WordSplitter
{
    private static readonly string[] Contractions = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"];

    private enum Kind { Space, Letter, Number, Other }

    /// <summary>Where the word that begins at <paramref name="start"/> ends.</summary>
    public static int End(ReadOnlySpan<char> text, int start)
    {
        foreach (var contraction in Contractions)
            if (text[start..].StartsWith(contraction, StringComparison.Ordinal)) return start + contraction.Length;
        // One space belongs to the word after it.
        var from = text[start] == ' ' && start + 1 < text.Length && KindAt(text, start + 1, out _) != Kind.Space ? start + 1 : start;
        var kind = KindAt(text, from, out _);
        var (end, last) = (from, from);
        while (end < text.Length && KindAt(text, end, out var length) == kind)
        {
            last = end;
            end += length;
        }
        // The last of several white spaces goes to the word after them.
        return kind == Kind.Space && end < text.Length && last > start ? last : end;
    }

    private static Kind KindAt(ReadOnlySpan<char> text, int at, out int length)
    {
        Rune.DecodeFromUtf16(text[at..], out var rune, out length);
        if (Rune.IsWhiteSpace(rune)) return Kind.Space;
        if (Rune.IsLetter(rune)) return Kind.Letter;
        return Rune.IsNumber(rune) ? Kind.Number : Kind.Other;
    }
}
