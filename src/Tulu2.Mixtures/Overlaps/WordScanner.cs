using System.Globalization;
using System.Text;

namespace Tulu2.Mixtures.Overlaps;

/// <summary>
/// The words of a text for the comparison with benchmarks: runs of letters, digits and their combining marks, in lower case. Everything else separates words
/// and is no part of them (punctuation, white space, symbols); invisible format characters are as if they were not there. A character of a script without
/// spaces between words (Chinese, Japanese) is a word by itself. Not for several threads at a time.
/// </summary>
/// <remarks>Near duplicates have a coarser rule (<see cref="Deduplication.WordHashes"/>): there a word only has to be roughly a word.</remarks>
internal sealed class WordScanner
{
    private enum Kind { Separator, Letter, Alone, Ignored }

    // For ASCII: the lower-case character; 0 for a separator.
    private static readonly char[] Ascii = [.. Enumerable.Range(0, 128).Select(at => char.IsAsciiLetterOrDigit((char)at) ? char.ToLowerInvariant((char)at) : '\0')];

    private char[] _word = new char[64];
    private int _length;

    /// <summary>Takes the next word off the beginning of a text; false: there is none.</summary>
    /// <param name="word">Valid until the next call.</param>
    public bool TryNext(ref ReadOnlySpan<char> text, out ReadOnlySpan<char> word)
    {
        _length = 0;
        var at = 0;
        while (at < text.Length)
        {
            if (text[at] < Ascii.Length)
            {
                var folded = Ascii[text[at]];
                if (folded != '\0') Append(folded);
                else if (_length > 0) break;
                at++;
                continue;
            }
            Rune.DecodeFromUtf16(text[at..], out var rune, out var used);
            var kind = KindOf(rune);
            if (_length > 0 && kind is (Kind.Separator or Kind.Alone)) break;
            at += used;
            if (kind is Kind.Letter or Kind.Alone) Append(Rune.ToLowerInvariant(rune));
            if (kind == Kind.Alone) break;
        }
        text = text[at..];
        word = _word.AsSpan(0, _length);
        return _length > 0;
    }

    private static Kind KindOf(Rune rune) => Rune.GetUnicodeCategory(rune) switch
    {
        UnicodeCategory.Format => Kind.Ignored,
        UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark => Kind.Letter,
        _ when !Rune.IsLetterOrDigit(rune) => Kind.Separator,
        _ => IsAlone(rune.Value) ? Kind.Alone : Kind.Letter,
    };

    // Kana, Bopomofo and ideographs. Hangul lies between them and beyond: Korean has spaces.
    private static bool IsAlone(int rune) => rune is >= 0x2e80 and <= 0x312f or >= 0x31a0 and <= 0x9fff or >= 0xf900 and <= 0xfaff or >= 0x20000 and <= 0x3ffff;

    private void Append(Rune rune)
    {
        Span<char> pair = stackalloc char[2];
        foreach (var character in pair[..rune.EncodeToUtf16(pair)]) Append(character);
    }

    private void Append(char character)
    {
        if (_length == _word.Length) Array.Resize(ref _word, 2 * _length);
        _word[_length++] = character;
    }
}
