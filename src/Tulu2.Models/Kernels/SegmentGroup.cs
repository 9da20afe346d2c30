namespace Tulu2.Models.Kernels;

/// <summary>
/// Segments of one length, which attention takes as a batch. Queries, keys and values of a batch stand group by group, segment by segment, head by
/// head: <c>q [B, KV, T, G, K]</c> and <c>k, v [B, KV, T, K]</c> per group (G query heads share a key-value head), so that no head is ever copied
/// for grouped-query attention and each segment is one matrix per key-value head, whatever its neighbours are. A segment with a prefix has the prefix's keys
/// and values once more, so that its matrices are those of a segment that stands alone; of the prefix's queries there are only as many as
/// <see cref="FirstQuery"/> says.
/// </summary>
/// <param name="Length">T, tokens of each segment, its prefix included.</param>
/// <param name="Starts">[B] first own row of each segment in the flat batch.</param>
/// <param name="Offset">Tokens of the groups before this one.</param>
/// <param name="Prefix">How many of the tokens have their rows in another segment, whose queries they are.</param>
/// <param name="PrefixStarts">[B] first row of each segment's prefix; empty where there is none.</param>
internal sealed record SegmentGroup(int Length, int[] Starts, int Offset, int Prefix, int[] PrefixStarts)
{
    /// <summary>
    /// Fewest queries of a product that begins in the middle of a block. Smaller products may take other kernels than the whole block (docs/reference/numerics.md,
    /// sizes); 32 is clear of that for heads of 4 and more, also where batched bf16 products of up to 4,096 multiplications are special.
    /// </summary>
    public const int FewestQueries = 32;

    /// <summary>First token whose query is computed.</summary>
    public int FirstQuery => Math.Max(0, Prefix - FewestQueries + 1);

    /// <summary>Tokens of all segments, each prefix counted in every segment that has it: what attention keeps keys and values of.</summary>
    public static long Attended(IEnumerable<SegmentGroup> groups) => groups.Sum(group => (long)group.Length * group.Starts.Length);

    /// <summary>Groups without a prefix first: what others add to their rows finds them written.</summary>
    /// <param name="lengths">Own rows of each segment.</param>
    /// <param name="prefixes">Tokens of each that are the first rows of the segment before; 0 beyond its end.</param>
    /// <exception cref="ArgumentException">A prefix that is not there.</exception>
    public static SegmentGroup[] Of(IReadOnlyList<int> lengths, IReadOnlyList<int>? prefixes = null)
    {
        var members = new SortedDictionary<(int Prefix, int Length), List<(int Start, int PrefixStart)>>();
        var (row, before) = (0, 0);
        for (var segment = 0; segment < lengths.Count; segment++)
        {
            var own = lengths[segment];
            var prefix = PrefixOf(prefixes, segment);
            if (prefix < 0 || prefix > 0 && (segment == 0 || prefix > lengths[segment - 1] || PrefixOf(prefixes, segment - 1) > 0))
                throw new ArgumentException($"segment {segment} cannot begin with {prefix} rows of the one before", nameof(prefixes));
            if (own > 0)
            {
                if (!members.TryGetValue((prefix, prefix + own), out var list)) members.Add((prefix, prefix + own), list = []);
                list.Add((row, before));
            }
            (before, row) = (row, row + own);
        }
        var groups = new List<SegmentGroup>(members.Count);
        var offset = 0;
        foreach (var ((prefix, length), list) in members)
        {
            groups.Add(new SegmentGroup(
                length, [.. list.Select(member => member.Start)], offset, prefix, prefix == 0 ? [] : [.. list.Select(member => member.PrefixStart)]));
            offset += length * list.Count;
        }
        return [.. groups];
    }

    /// <summary>The row of a segment's token in the flat batch.</summary>
    public int Row(int segment, int token) => token < Prefix ? PrefixStarts[segment] + token : Starts[segment] + token - Prefix;

    private static int PrefixOf(IReadOnlyList<int>? prefixes, int segment) => segment < prefixes?.Count ? prefixes[segment] : 0;
}

/// <summary>
/// The unit of work of attention: some queries of some key-value heads of some segments of a group, with the keys up to the last query. More than one
/// segment only with all heads, so that a tile's matrices always stand together. Queries of a prefix may be among them for the sake of a product's size: their
/// output and gradient are another tile's.
/// </summary>
internal readonly record struct AttentionTile(SegmentGroup Group, int First, int Count, int HeadFirst, int HeadCount, int QueryFirst, int QueryEnd)
{
    public int HeadEnd => HeadFirst + HeadCount;
    public int Matrices => Count * HeadCount;
    public int Queries => QueryEnd - QueryFirst;
    public int Keys => QueryEnd;

    /// <summary>First query that is a segment's own.</summary>
    public int OwnFirst => Math.Max(QueryFirst, Group.Prefix);

    /// <summary>The row of a segment's token in the flat batch.</summary>
    /// <param name="segment">Within the tile.</param>
    public int Row(int segment, int token) => Group.Row(First + segment, token);
}
