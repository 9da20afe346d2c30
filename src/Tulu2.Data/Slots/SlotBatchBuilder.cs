namespace Tulu2.Data.Slots;

/// <summary>Lays sequences end to end as one flat batch.</summary>
internal static class SlotBatchBuilder
{
    /// <summary>Matrix products with fewer than four rows have other bits (bitwise-notes section 2): no batch is shorter than this.</summary>
    public const int FewestRows = 16;

    /// <summary>Fills up short segments and short batches; never scored. The recipe's pad id.</summary>
    private const int PadId = 0;

    public static SlotBatch Build(ITokenSource source, int step, int slot, int[] items, bool preferences, bool packing)
    {
        var sequences = preferences ? items.SelectMany(item => new[] { 2 * item, 2 * item + 1 }).ToArray() : items;
        var (tokens, longest, scored) = (0, 0, 0);
        foreach (var sequence in sequences)
        {
            tokens = checked(tokens + source.Length(sequence));
            longest = Math.Max(longest, source.Length(sequence));
            scored += source.LossTokens(sequence);
        }
        var rows = packing ? tokens : checked(longest * sequences.Length);
        var tail = Math.Max(0, FewestRows - rows);

        var ids = new int[rows + tail];
        var positions = new int[rows + tail];
        var segments = new int[sequences.Length + (tail > 0 ? 1 : 0)];
        var (scoredRows, targets, scoredSegments) = (new int[scored], new int[scored], new int[scored]);
        Array.Fill(ids, PadId);
        var (offset, count) = (0, 0);
        for (var segment = 0; segment < sequences.Length; segment++)
        {
            var tokenIds = source.Ids(sequences[segment]);
            segments[segment] = packing ? tokenIds.Length : longest;
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
        if (tail > 0) segments[^1] = tail;
        Number(positions, segments);
        return new SlotBatch(step, slot, ids, positions, segments, scoredRows, targets, scoredSegments, items, tokens);
    }

    private static void Number(int[] positions, int[] segments)
    {
        var offset = 0;
        foreach (var length in segments)
        {
            for (var position = 0; position < length; position++) positions[offset + position] = position;
            offset += length;
        }
    }
}
