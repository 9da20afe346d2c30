using Tulu2.Data;

namespace Tulu2.Mixtures.Overlaps;

/// <summary>Collects the texts of benchmarks for an <see cref="OverlapIndex"/>.</summary>
internal sealed class OverlapIndexBuilder(OverlapRule rule)
{
    private readonly WordScanner _scanner = new();
    private readonly Vocabulary _vocabulary = new();
    private readonly List<int> _words = [];
    private readonly List<int> _starts = [];
    private readonly List<TextOwner> _owners = [];

    /// <returns>False: the text is too short to count, and is left out.</returns>
    public bool Add(TextOwner owner, string text)
    {
        var start = _words.Count;
        var rest = text.AsSpan();
        while (_scanner.TryNext(ref rest, out var word)) _words.Add(_vocabulary.Add(word));
        if (_words.Count - start < rule.Shortest)
        {
            _words.RemoveRange(start, _words.Count - start);
            return false;
        }
        _starts.Add(start);
        _owners.Add(owner);
        return true;
    }

    /// <param name="hash">The number that a word's own number becomes in the hash of an n-gram; null: a good one. Whatever it is, the results are the same.</param>
    public OverlapIndex Build(Func<int, ulong>? hash = null)
    {
        hash ??= number => SplitMix64.Mix((ulong)number + 1);
        ulong[] hashes = [.. Enumerable.Range(0, _vocabulary.Count).Select(hash)];
        return new OverlapIndex(rule, _vocabulary, hashes, [.. _words], [.. _starts], [.. _owners]);
    }
}
