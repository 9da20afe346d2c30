using System.Numerics;
using Tulu2.Data;

namespace Tulu2.Mixtures.Overlaps;

/// <summary>Whose a text is: benchmark, item and part, by numbers.</summary>
internal readonly record struct TextOwner(int Benchmark, int Item, int Part);

/// <summary>
/// All n-grams of the benchmarks. An n-gram is named by the place of its first occurrence among all words of all texts. It is found by a hash of its first
/// words and then compared word by word, so that equal hashes of unequal n-grams count for nothing. About 20 bytes a word of the benchmarks; any number of
/// threads may look things up.
/// </summary>
internal sealed class OverlapIndex
{
    // Odd, so that no bit is lost.
    private const ulong Factor = 0x9E3779B97F4A7C15;
    private const int None = -1;

    private readonly OverlapRule _rule;
    private readonly ulong[] _hashes;
    private readonly int[] _words, _starts;
    private readonly TextOwner[] _owners;
    // Words of the n-gram that begins at a place; 0: none does.
    private readonly byte[] _lengths;
    // First n-gram of a slot of the table; the next one of the same slot; the next place with an equal n-gram, in rising order.
    private readonly int[] _heads, _next, _same;
    private readonly int _shift;
    private readonly ulong _leaving;

    public OverlapIndex(OverlapRule rule, Vocabulary vocabulary, ulong[] hashes, int[] words, int[] starts, TextOwner[] owners)
    {
        (_rule, Vocabulary, _hashes, _words, _starts, _owners) = (rule, vocabulary, hashes, words, starts, owners);
        _leaving = Enumerable.Repeat(Factor, rule.Shortest).Aggregate(1UL, (power, factor) => power * factor);
        var bits = Math.Max(4, BitOperations.Log2((uint)words.Length + 1) + 1);
        _shift = 64 - bits;
        (_lengths, _heads, _next, _same) = (new byte[words.Length], new int[1 << bits], new int[words.Length], new int[words.Length]);
        Array.Fill(_heads, None);
        // From the last to the first: what is inserted later stands earlier in the texts.
        for (var text = starts.Length - 1; text >= 0; text--)
        {
            var end = End(text);
            var length = Math.Min(rule.Length, end - starts[text]);
            for (var place = end - length; place >= starts[text]; place--) Insert(place, length);
        }
    }

    public Vocabulary Vocabulary { get; }

    /// <summary>Finds the n-grams that a row's text has.</summary>
    /// <param name="text">Numbers of its words, <see cref="Vocabulary.Unknown"/> for those that are none of the vocabulary.</param>
    /// <param name="found">Gets each of them, as often as it occurs, in the text's order.</param>
    public void Find(ReadOnlySpan<int> text, List<int> found)
    {
        var (hash, run) = (0UL, 0);
        for (var end = 0; end < text.Length; end++)
        {
            if (text[end] == Vocabulary.Unknown)
            {
                (hash, run) = (0, 0);
                continue;
            }
            hash = hash * Factor + _hashes[text[end]];
            if (++run > _rule.Shortest) hash -= _leaving * _hashes[text[end - _rule.Shortest]];
            if (run < _rule.Shortest) continue;
            var rest = text[(end - _rule.Shortest + 1)..];
            for (var place = _heads[Slot(hash)]; place != None; place = _next[place])
                if (IsAt(place, rest)) found.Add(place);
        }
    }

    /// <summary>All texts that have an n-gram, in the order in which they were added; a text that has it twice comes twice.</summary>
    public IEnumerable<TextOwner> OwnersOf(int ngram)
    {
        for (var place = ngram; place != None; place = _same[place])
        {
            var text = Array.BinarySearch(_starts, place);
            yield return _owners[text >= 0 ? text : ~text - 1];
        }
    }

    /// <summary>The words of an n-gram.</summary>
    public string TextOf(int ngram) => string.Join(' ', _words.AsSpan(ngram, _lengths[ngram]).ToArray().Select(word => Vocabulary[word]));

    /// <summary>Number of different n-grams of each benchmark.</summary>
    public long[] CountByBenchmark(int benchmarks)
    {
        var counts = new long[benchmarks];
        foreach (var head in _heads)
            for (var place = head; place != None; place = _next[place])
            {
                var last = None;
                foreach (var owner in OwnersOf(place))
                    if (owner.Benchmark != last) counts[last = owner.Benchmark]++;
            }
        return counts;
    }

    private int End(int text) => text + 1 < _starts.Length ? _starts[text + 1] : _words.Length;

    private void Insert(int place, int length)
    {
        var hash = 0UL;
        foreach (var word in _words.AsSpan(place, _rule.Shortest)) hash = hash * Factor + _hashes[word];
        _lengths[place] = (byte)length;
        ref var link = ref _heads[Slot(hash)];
        while (link != None)
        {
            var other = link;
            if (_lengths[other] == length && IsAt(other, _words.AsSpan(place)))
            {
                // Takes the other's place in the slot, since it stands before it.
                (_next[place], _same[place]) = (_next[other], other);
                link = place;
                return;
            }
            link = ref _next[other];
        }
        (_next[place], _same[place]) = (None, None);
        link = place;
    }

    private bool IsAt(int ngram, ReadOnlySpan<int> text)
    {
        var length = _lengths[ngram];
        return length <= text.Length && text[..length].SequenceEqual(_words.AsSpan(ngram, length));
    }

    private int Slot(ulong hash) => (int)(SplitMix64.Mix(hash) >> _shift);
}
