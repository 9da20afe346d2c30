using System.Runtime.InteropServices;
using System.Text;

namespace Tulu2.Data.Tokenizers.Learning;

/// <summary>
/// Learns merges: repeatedly, the most frequent pair of neighbours becomes a piece. Counts are updated word by word, so that a merge costs
/// only the words it occurs in.
/// </summary>
internal sealed class PairLearner
{
    /// <summary>A character without a piece of its own: no merge crosses it.</summary>
    private const int Wall = -1;

    private readonly List<string> pieces;
    private readonly List<int> lengths = [];
    private readonly Dictionary<string, int> idsByText = new(StringComparer.Ordinal);
    private readonly List<Word> words = [];
    private readonly Dictionary<ulong, Pair> pairs = [];
    private readonly PriorityQueue<ulong, Candidate> queue = new(Candidate.BestFirst);
    private readonly HashSet<ulong> changed = [];
    private readonly int longestPiece;

    private sealed class Word(int[] symbols, long count)
    {
        internal int[] Symbols = symbols;
        internal long Count { get; } = count;
        internal int SeenBy = -1;
    }

    private sealed class Pair(string text)
    {
        internal long Count;
        internal string Text { get; } = text;
        internal List<int> Words { get; } = [];
    }

    /// <param name="Count">Occurrences of the pair when it was queued.</param>
    /// <param name="Text">Both halves joined: the first by code unit wins among equals.</param>
    /// <param name="Cut">Length of the left half: decides between equal texts, so that the order is total.</param>
    private readonly record struct Candidate(long Count, string Text, int Cut)
    {
        internal static readonly IComparer<Candidate> BestFirst = Comparer<Candidate>.Create((a, b) =>
        {
            var byCount = b.Count.CompareTo(a.Count);
            if (byCount != 0) return byCount;
            var byText = string.CompareOrdinal(a.Text, b.Text);
            return byText != 0 ? byText : a.Cut.CompareTo(b.Cut);
        });
    }

    internal PairLearner(IReadOnlyDictionary<string, long> counts, IReadOnlyList<string> alphabet, int longestPiece)
    {
        this.longestPiece = longestPiece;
        pieces = [.. alphabet];
        for (var id = 0; id < pieces.Count; id++)
        {
            idsByText[pieces[id]] = id;
            lengths.Add(1);
        }
        var byRune = pieces.Select((text, id) => (Rune.GetRuneAt(text, 0), id)).ToDictionary(entry => entry.Item1, entry => entry.id);
        // Nothing below depends on the order of the words: sums and a total order of candidates decide.
        foreach (var (text, count) in counts)
        {
            int[] symbols = [.. text.EnumerateRunes().Select(rune => byRune.GetValueOrDefault(rune, Wall))];
            if (symbols.Length < 2) continue;
            words.Add(new Word(symbols, count));
            AddPairs(words.Count - 1, onlyWith: null);
        }
        OfferChanged();
    }

    /// <summary>
    /// The pieces of up to <paramref name="most"/> merges, in the order in which they were learned. A pair that occurs only once is not merged.
    /// </summary>
    internal IReadOnlyList<string> Learn(int most)
    {
        var learned = new List<string>();
        for (var round = 0; learned.Count < most && queue.TryDequeue(out var key, out var candidate); round++)
        {
            if (!pairs.TryGetValue(key, out var pair)) continue;
            if (pair.Count != candidate.Count)
            {
                if (pair.Count > 0) queue.Enqueue(key, candidate with { Count = pair.Count });
                continue;
            }
            if (pair.Count < 2) break;
            // Several pairs can have the same text; it is one piece.
            if (!idsByText.TryGetValue(pair.Text, out var id))
            {
                id = pieces.Count;
                pieces.Add(pair.Text);
                lengths.Add(lengths[(int)(key >> 32)] + lengths[(int)(uint)key]);
                idsByText[pair.Text] = id;
                learned.Add(pair.Text);
            }
            Apply((int)(key >> 32), (int)(uint)key, id, pair, round);
            pairs.Remove(key);
            OfferChanged();
        }
        return learned;
    }

    private void Apply(int left, int right, int merged, Pair pair, int round)
    {
        foreach (var index in pair.Words)
        {
            var word = words[index];
            if (word.SeenBy == round) continue;
            word.SeenBy = round;
            var symbols = Replace(word.Symbols, left, right, merged);
            if (symbols.Length == word.Symbols.Length) continue;
            RemovePairs(word);
            word.Symbols = symbols;
            AddPairs(index, onlyWith: merged);
        }
    }

    private static int[] Replace(int[] symbols, int left, int right, int merged)
    {
        var result = new int[symbols.Length];
        var length = 0;
        for (var at = 0; at < symbols.Length; at++)
        {
            var meets = symbols[at] == left && at + 1 < symbols.Length && symbols[at + 1] == right;
            result[length++] = meets ? merged : symbols[at];
            if (meets) at++;
        }
        return result[..length];
    }

    private void RemovePairs(Word word)
    {
        for (var at = 0; at + 1 < word.Symbols.Length; at++)
            if (pairs.TryGetValue(Key(word.Symbols[at], word.Symbols[at + 1]), out var pair))
                pair.Count -= word.Count;
    }

    private void AddPairs(int index, int? onlyWith)
    {
        var word = words[index];
        for (var at = 0; at + 1 < word.Symbols.Length; at++)
        {
            var (left, right) = (word.Symbols[at], word.Symbols[at + 1]);
            if (left == Wall || right == Wall || lengths[left] + lengths[right] > longestPiece) continue;
            var key = Key(left, right);
            ref var pair = ref CollectionsMarshal.GetValueRefOrAddDefault(pairs, key, out _);
            pair ??= new Pair(pieces[left] + pieces[right]);
            pair.Count += word.Count;
            // A pair without the new piece was in this word before and has it in its list.
            if (onlyWith is { } piece && left != piece && right != piece) continue;
            if (pair.Words.Count == 0 || pair.Words[^1] != index) pair.Words.Add(index);
            changed.Add(key);
        }
    }

    // Only counts that may have grown are queued again; one that shrank is corrected when it is dequeued.
    private void OfferChanged()
    {
        foreach (var key in changed)
            if (pairs.TryGetValue(key, out var pair) && pair.Count > 0)
                queue.Enqueue(key, new Candidate(pair.Count, pair.Text, pieces[(int)(key >> 32)].Length));
        changed.Clear();
    }

    private static ulong Key(int left, int right) => ((ulong)(uint)left << 32) | (uint)right;
}
