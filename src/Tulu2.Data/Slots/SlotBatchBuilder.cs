namespace Tulu2.Data.Slots;

/// <summary>Lays sequences end to end as one flat batch.</summary>
internal static class SlotBatchBuilder
{
    /// <summary>
    /// Fewest rows of a batch; a shorter one gets a filler segment at its end. fp32 matrix products of fewer than 4 rows, and now and then bf16 ones of up to
    /// 8, have other
    /// bits than the same rows in a larger product (docs/reference/numerics.md, sizes); 16 is clear of both.
    /// </summary>
    public const int FewestRows = 16;

    /// <summary>Id of filler tokens. Any id would do: no real token attends to one, and none is scored.</summary>
    private const int FillerId = 0;

    public static SlotBatch Build(ITokenSource source, int step, int slot, int[] items, bool preferences, bool packing)
    {
        var sequences = preferences ? items.SelectMany(item => new[] { 2 * item, 2 * item + 1 }).ToArray() : items;
        var (tokens, scored) = (0, 0);
        foreach (var sequence in sequences)
        {
            tokens = checked(tokens + source.Length(sequence));
            scored += source.LossTokens(sequence);
        }
        var segments = Segments(source, sequences, packing);
        var ids = new int[segments.Sum()];
        Array.Fill(ids, FillerId);
        var (scoredRows, targets, scoredSegments) = (new int[scored], new int[scored], new int[scored]);
        var (offset, count) = (0, 0);
        for (var segment = 0; segment < sequences.Length; segment++)
        {
            var tokenIds = source.Ids(sequences[segment]);
            tokenIds.CopyTo(ids.AsSpan(offset));
            foreach (var span in source.Spans(sequences[segment]))
            {
                for (var position = span.Begin; position < span.End; position++, count++)
                {
                    scoredRows[count] = offset + position - 1;
                    targets[count] = tokenIds[position];
                    scoredSegments[count] = segment;
                }
            }
            offset += segments[segment];
        }
        return new SlotBatch(step, slot, ids, Positions(segments, ids.Length), segments, scoredRows, targets, scoredSegments, items, tokens);
    }

    /// <summary>Rows of each segment: a sequence's own length, or without packing the longest one's; then the filler segment where one is needed.</summary>
    private static int[] Segments(ITokenSource source, int[] sequences, bool packing)
    {
        var lengths = Array.ConvertAll(sequences, source.Length);
        if (!packing) Array.Fill(lengths, lengths.Max());
        var rows = 0;
        foreach (var length in lengths) rows = checked(rows + length);
        return rows < FewestRows ? [.. lengths, FewestRows - rows] : lengths;
    }

    private static int[] Positions(int[] segments, int rows)
    {
        var positions = new int[rows];
        var offset = 0;
        foreach (var length in segments)
        {
            for (var position = 0; position < length; position++) positions[offset + position] = position;
            offset += length;
        }
        return positions;
    }
}
