namespace Tulu2.Models.Kernels;

/// <summary>
/// Segments of one length, which attention takes as a batch. Queries, keys and values of a batch stand group by group, segment by segment, head by
/// head: <c>q [B, KV, T, G, K]</c> and <c>k, v [B, KV, T, K]</c> per group (G query heads share a key-value head), so that no head is ever copied
/// for grouped-query attention and each segment is one matrix per key-value head, whatever its neighbours are.
/// </summary>
/// <param name="Length">T, tokens of each segment.</param>
/// <param name="Starts">[B] first row of each segment in the flat batch.</param>
/// <param name="Offset">Tokens of the groups before this one.</param>
internal sealed record SegmentGroup(int Length, int[] Starts, int Offset)
{
    public static SegmentGroup[] Of(IReadOnlyList<int> lengths)
    {
        var starts = new SortedDictionary<int, List<int>>();
        var row = 0;
        foreach (var length in lengths)
        {
            if (!starts.TryGetValue(length, out var list)) starts.Add(length, list = []);
            list.Add(row);
            row += length;
        }
        var groups = new List<SegmentGroup>(starts.Count);
        var offset = 0;
        foreach (var (length, rows) in starts)
        {
            if (length == 0) continue;
            groups.Add(new SegmentGroup(length, [.. rows], offset));
            offset += length * rows.Count;
        }
        return [.. groups];
    }
}

/// <summary>
/// The unit of work of attention: some queries of some key-value heads of some segments of a group, with the keys up to the last query. More than one
/// segment only with all heads, so that a tile's matrices always stand together.
/// </summary>
internal readonly record struct AttentionTile(SegmentGroup Group, int First, int Count, int HeadFirst, int HeadCount, int QueryFirst, int QueryEnd)
{
    public int HeadEnd => HeadFirst + HeadCount;
    public int Matrices => Count * HeadCount;
    public int Queries => QueryEnd - QueryFirst;
    public int Keys => QueryEnd;
}
