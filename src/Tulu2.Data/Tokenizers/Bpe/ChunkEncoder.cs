using System.Collections.Concurrent;

namespace Tulu2.Data.Tokenizers.Bpe;

/// <summary>
/// Splits normalized text into chunks that merge independently and caches the ids of short ones. Most of a corpus is a few thousand words, so that the
/// cache makes encoding an order of magnitude faster; it is bounded, and emptied when full. Safe to call from several threads.
/// </summary>
internal sealed class ChunkEncoder(TokenizerModel model)
{
    private const int LongestRemembered = 48;
    private const int MostRemembered = 1 << 16;

    private readonly PairMerger merger = new(model);
    private readonly ChunkRule rule = model.Chunks();
    private readonly ConcurrentDictionary<string, int[]> remembered = new();
    private int count;

    internal ChunkRule Rule => rule;

    /// <summary>Appends the ids of normalized text and optionally their offsets, which start at <paramref name="origin"/>.</summary>
    internal void Encode(ReadOnlySpan<char> text, List<int> ids, List<TokenOffsets>? offsets = null, int origin = 0)
    {
        for (var start = 0; start < text.Length;)
        {
            var end = rule == ChunkRule.Whole ? text.Length : ChunkEnd(text, start);
            // The cache has only ids, and whole texts hardly ever repeat.
            if (offsets is not null || rule == ChunkRule.Whole) merger.Encode(text[start..end], ids, offsets, origin + start);
            else EncodeChunk(text[start..end], ids);
            start = end;
        }
    }

    private void EncodeChunk(ReadOnlySpan<char> chunk, List<int> ids)
    {
        if (chunk.Length > LongestRemembered)
        {
            merger.Encode(chunk, ids);
            return;
        }
        var lookup = remembered.GetAlternateLookup<ReadOnlySpan<char>>();
        if (lookup.TryGetValue(chunk, out var known))
        {
            ids.AddRange(known);
            return;
        }
        var from = ids.Count;
        merger.Encode(chunk, ids);
        if (Interlocked.Increment(ref count) > MostRemembered)
        {
            remembered.Clear();
            Interlocked.Exchange(ref count, 1);
        }
        lookup.TryAdd(chunk, [.. ids[from..]]);
    }

    private int ChunkEnd(ReadOnlySpan<char> text, int start)
    {
        var at = start + 1;
        if (rule == ChunkRule.BeforeRuns)
            while (at < text.Length && text[at - 1] == Normalization.Mark && text[at] == Normalization.Mark)
                at++;
        var next = at < text.Length ? text[at..].IndexOf(Normalization.Mark) : -1;
        return next < 0 ? text.Length : at + next;
    }
}
