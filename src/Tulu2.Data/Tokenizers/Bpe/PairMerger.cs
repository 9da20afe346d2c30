using System.Text;

namespace Tulu2.Data.Tokenizers.Bpe;

/// <summary>Range of a token in the normalized text, in UTF-16 units. Every byte token of a character has the whole character's offsets.</summary>
internal readonly record struct TokenOffsets(int Start, int End);

/// <summary>
/// Byte-pair encoding of one chunk of normalized text: characters (or their bytes, or the unknown id) are merged in pairs, the lowest rank first
/// and the leftmost among equals, as SentencePiece's <c>bpe::Model::Encode</c> and Hugging Face's <c>Word::merge_all</c> do.
/// </summary>
internal sealed class PairMerger(TokenizerModel model)
{
    [ThreadStatic] private static Workspace? workspace;

    /// <summary>Appends the ids of <paramref name="chunk"/> and optionally their offsets, which start at <paramref name="origin"/>.</summary>
    internal void Encode(ReadOnlySpan<char> chunk, List<int> ids, List<TokenOffsets>? offsets = null, int origin = 0)
    {
        if (chunk.IsEmpty) return;
        if (model.WholeChunks is { } whole && whole.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(chunk, out var known))
        {
            ids.Add(known);
            offsets?.Add(new(origin, origin + chunk.Length));
            return;
        }
        var work = workspace ??= new Workspace();
        work.Clear(chunk.Length);
        Split(chunk, work);
        Merge(work);
        for (var at = 0; at >= 0; at = work.Symbols[at].Next)
        {
            ref readonly var symbol = ref work.Symbols[at];
            ids.Add(symbol.Id);
            offsets?.Add(new(origin + symbol.Start, origin + symbol.End));
        }
        work.Trim();
    }

    private void Split(ReadOnlySpan<char> chunk, Workspace work)
    {
        Span<byte> utf8 = stackalloc byte[4];
        var start = 0;
        while (start < chunk.Length)
        {
            // A lone surrogate has no UTF-8 form and becomes U+FFFD here.
            Rune.DecodeFromUtf16(chunk[start..], out var rune, out var length);
            var end = start + length;
            if (model.Characters.TryGetValue(rune.Value, out var id)) work.Add(id, start, end);
            else if (BytesOf(rune, utf8, out var bytes))
                foreach (var value in utf8[..bytes]) work.Add(model.Bytes[value], start, end);
            else if (model.FuseUnknown && work.Count > 0 && work.Symbols[work.Count - 1].Id == model.UnknownId) work.Symbols[work.Count - 1].End = end;
            else work.Add(model.UnknownId, start, end);
            start = end;
        }
        work.Symbols[work.Count - 1].Next = -1;
    }

    private bool BytesOf(Rune rune, Span<byte> utf8, out int bytes)
    {
        bytes = rune.EncodeToUtf8(utf8);
        foreach (var value in utf8[..bytes])
            if (model.Bytes[value] < 0)
                return false;
        return true;
    }

    private void Merge(Workspace work)
    {
        for (var at = 0; at + 1 < work.Count; at++)
            if (TryKey(work, at, out var first)) work.AddFirst(first);
        work.SortFirst();
        while (work.TryTake(out var key))
        {
            var at = (int)(uint)key;
            ref var left = ref work.Symbols[at];
            if (left.Id < 0 || left.Next < 0) continue;
            ref var right = ref work.Symbols[left.Next];
            // An entry is stale unless the current pair at this index has its rank.
            if (!model.Merges.TryGetValue(TokenizerModel.Key(left.Id, right.Id), out var merge) || merge.Rank != (int)(key >> 32)) continue;
            left.Id = merge.Id;
            left.End = right.End;
            right.Id = -1;
            left.Next = right.Next;
            if (left.Next >= 0)
            {
                work.Symbols[left.Next].Previous = at;
                Offer(work, at);
            }
            if (left.Previous >= 0) Offer(work, left.Previous);
        }
    }

    private void Offer(Workspace work, int at)
    {
        if (TryKey(work, at, out var key)) work.Later.Enqueue(at, key);
    }

    private bool TryKey(Workspace work, int at, out ulong key)
    {
        ref readonly var left = ref work.Symbols[at];
        var found = model.Merges.TryGetValue(TokenizerModel.Key(left.Id, work.Symbols[left.Next].Id), out var merge);
        key = ((ulong)(uint)merge.Rank << 32) | (uint)at;
        return found;
    }

    private struct Symbol
    {
        public int Id, Previous, Next, Start, End;
    }

    /// <summary>
    /// One thread's buffers, kept between calls. The initial pairs of a text are sorted once, and only pairs made by merges go through a heap: for a text of
    /// millions of characters without a space, one heap for all would be many times slower and larger.
    /// </summary>
    private sealed class Workspace
    {
        private const int KeptSymbols = 1 << 14;

        internal Symbol[] Symbols { get; private set; } = new Symbol[256];
        internal PriorityQueue<int, ulong> Later { get; private set; } = new();
        internal int Count { get; private set; }

        private ulong[] first = new ulong[256];
        private int firstCount, firstTaken;

        internal void Clear(int characters)
        {
            Count = firstCount = firstTaken = 0;
            Later.Clear();
            if (characters > Symbols.Length) Symbols = new Symbol[characters];
        }

        internal void AddFirst(ulong key)
        {
            if (firstCount == first.Length) Array.Resize(ref first, Math.Max(Count, firstCount + 1));
            first[firstCount++] = key;
        }

        internal void SortFirst() => first.AsSpan(0, firstCount).Sort();

        /// <summary>The lowest remaining key.</summary>
        internal bool TryTake(out ulong key)
        {
            if (Later.TryPeek(out _, out key) && (firstTaken == firstCount || key < first[firstTaken]))
            {
                Later.Dequeue();
                return true;
            }
            if (firstTaken == firstCount) return false;
            key = first[firstTaken++];
            return true;
        }

        internal void Add(int id, int start, int end)
        {
            if (Count == Symbols.Length)
            {
                var larger = new Symbol[Count + Count / 2];
                Symbols.CopyTo(larger, 0);
                Symbols = larger;
            }
            Symbols[Count] = new Symbol { Id = id, Previous = Count - 1, Next = Count + 1, Start = start, End = end };
            Count++;
        }

        /// <summary>One huge text must not keep its memory as long as the thread lives.</summary>
        internal void Trim()
        {
            if (Symbols.Length <= KeptSymbols) return;
            Symbols = new Symbol[256];
            first = new ulong[256];
            Later = new PriorityQueue<int, ulong>();
        }
    }
}
