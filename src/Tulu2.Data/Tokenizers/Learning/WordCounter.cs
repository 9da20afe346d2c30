using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Tulu2.Data.Tokenizers.Bpe;

namespace Tulu2.Data.Tokenizers.Learning;

/// <summary>
/// Counts the words of a text, which no merge crosses. A word is letters or other characters, never both, with the boundary before it if
/// there is one; a run of boundaries is a word, and so is each digit if digits are split. Control characters belong to no word.
/// </summary>
internal sealed class WordCounter(bool splitDigits)
{
    private static readonly Normalization Spaces = new(BoundaryRule.Always, ReplaceSpaces: true, SplitEachBoundary: false);

    private readonly Dictionary<string, long> counts = new(StringComparer.Ordinal);

    internal IReadOnlyDictionary<string, long> Counts => counts;

    private enum Kind { Control, Mark, Digit, Letter, Other }

    internal void Add(string text)
    {
        ReadOnlySpan<char> rest = Spaces.Apply(text, boundary: true);
        while (!rest.IsEmpty)
        {
            var marks = rest.IndexOfAnyExcept(Normalization.Mark);
            if (marks < 0) marks = rest.Length;
            var length = 0;
            var kind = marks < rest.Length ? KindAt(rest[marks..], out length) : Kind.Control;
            var joins = marks > 0 && (kind is Kind.Letter or Kind.Other || (kind == Kind.Digit && !splitDigits));
            Count(rest[..(joins ? marks - 1 : marks)]);
            var end = marks + length;
            if (kind != Kind.Control && !(kind == Kind.Digit && splitDigits))
                while (end < rest.Length && KindAt(rest[end..], out length) == kind)
                    end += length;
            if (kind != Kind.Control) Count(rest[(joins ? marks - 1 : marks)..end]);
            rest = rest[end..];
        }
    }

    private void Count(ReadOnlySpan<char> word)
    {
        if (word.IsEmpty) return;
        CollectionsMarshal.GetValueRefOrAddDefault(counts.GetAlternateLookup<ReadOnlySpan<char>>(), word, out _)++;
    }

    private static Kind KindAt(ReadOnlySpan<char> text, out int length)
    {
        Rune.DecodeFromUtf16(text, out var rune, out length);
        return rune.Value == Normalization.Mark ? Kind.Mark : KindOf(rune);
    }

    private static Kind KindOf(Rune rune) =>
        Rune.GetUnicodeCategory(rune) switch
        {
            UnicodeCategory.Control or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator => Kind.Control,
            UnicodeCategory.DecimalDigitNumber => Kind.Digit,
            UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter or UnicodeCategory.ModifierLetter
                or UnicodeCategory.OtherLetter or UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark => Kind.Letter,
            _ => Kind.Other,
        };
}
