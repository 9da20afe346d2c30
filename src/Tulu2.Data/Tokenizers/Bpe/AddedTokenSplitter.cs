using System.Buffers;

namespace Tulu2.Data.Tokenizers.Bpe;

/// <summary>Finds added tokens in a text: the leftmost first, the longest where several start at the same character.</summary>
internal sealed class AddedTokenSplitter
{
    private readonly (string Pattern, AddedToken Token)[] longestFirst;
    private readonly SearchValues<char> starts;

    internal AddedTokenSplitter(IEnumerable<(string Pattern, AddedToken Token)> tokens)
    {
        longestFirst = [.. tokens.Where(entry => entry.Pattern.Length > 0).OrderByDescending(entry => entry.Pattern.Length)];
        starts = SearchValues.Create([.. longestFirst.Select(entry => entry.Pattern[0]).Distinct()]);
    }

    /// <summary>The next token in <paramref name="text"/> from <paramref name="from"/> on; white space that the token strips is part of its range.</summary>
    internal bool TryFind(ReadOnlySpan<char> text, int from, out AddedToken token, out int start, out int end)
    {
        for (var at = from; longestFirst.Length > 0 && at < text.Length; at++)
        {
            var step = text[at..].IndexOfAny(starts);
            if (step < 0) break;
            at += step;
            foreach (var (pattern, candidate) in longestFirst)
            {
                if (!text[at..].StartsWith(pattern, StringComparison.Ordinal)) continue;
                (token, start, end) = (candidate, at, at + pattern.Length);
                while (token.StripLeft && start > from && char.IsWhiteSpace(text[start - 1])) start--;
                while (token.StripRight && end < text.Length && char.IsWhiteSpace(text[end])) end++;
                return true;
            }
        }
        (token, start, end) = (null!, 0, 0);
        return false;
    }
}
