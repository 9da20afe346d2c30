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

    /// <summary>The items' sequences as one batch.</summary>
    public static SlotBatch Build(ITokenSource source, int step, int slot, int[] items, SlotForm form) =>
        Build(source, step, slot, items, form.Preferences ? [.. items.SelectMany(item => new[] { 2 * item, 2 * item + 1 })] : items, form);

    /// <summary>The first sequence of each pair as one batch, with the second ones as another beside it (<see cref="SlotBatch.Mismatched"/>).</summary>
    public static SlotBatch BuildApart(ITokenSource source, int step, int slot, int[] items, SlotForm form)
    {
        var alone = form with { Preferences = false };
        var desirable = Array.ConvertAll(items, source.Desirable);
        return Build(source, step, slot, items, Array.ConvertAll(items, item => 2 * item), alone) with
        {
            Desirable = desirable,
            Mismatched = Build(source, step, slot, items, Array.ConvertAll(items, item => 2 * item + 1), alone) with { Desirable = desirable },
        };
    }

    private static SlotBatch Build(ITokenSource source, int step, int slot, int[] items, int[] sequences, SlotForm form)
    {
        var (tokens, scored) = (0, 0);
        foreach (var sequence in sequences)
        {
            tokens = checked(tokens + source.Length(sequence));
            scored += source.LossTokens(sequence);
        }
        var lengths = Array.ConvertAll(sequences, source.Length);
        if (!form.Packing) Array.Fill(lengths, lengths.Max());
        var prefixes = form is { Preferences: true, Shared: { } rule } ? Prefixes(source, sequences, lengths, rule) : [];
        var segments = Segments(lengths, prefixes);
        var ids = new int[segments.Sum()];
        Array.Fill(ids, FillerId);
        var (scoredRows, targets, scoredSegments) = (new int[scored], new int[scored], new int[scored]);
        var (before, offset, count) = (0, 0, 0);
        for (var segment = 0; segment < sequences.Length; segment++)
        {
            var tokenIds = source.Ids(sequences[segment]);
            var prefix = PrefixOf(prefixes, segment);
            tokenIds[prefix..].CopyTo(ids.AsSpan(offset));
            foreach (var span in source.Spans(sequences[segment]))
            {
                for (var position = span.Begin; position < span.End; position++, count++)
                {
                    scoredRows[count] = position - 1 < prefix ? before + position - 1 : offset + position - 1 - prefix;
                    targets[count] = tokenIds[position];
                    scoredSegments[count] = segment;
                }
            }
            (before, offset) = (offset, offset + segments[segment]);
        }
        return new SlotBatch(step, slot, ids, Positions(segments, prefixes, ids.Length), segments, scoredRows, targets, scoredSegments, items, tokens)
        {
            Prefixes = prefixes,
        };
    }

    /// <summary>
    /// For each rejected side a part of the longest beginning that its ids and the chosen side's have in common, scored tokens included: equal ids at equal
    /// positions have equal activations.
    /// </summary>
    private static int[] Prefixes(ITokenSource source, int[] sequences, int[] lengths, SharingRule rule)
    {
        var prefixes = new int[sequences.Length];
        for (var rejected = 1; rejected < sequences.Length; rejected += 2)
        {
            var common = source.Ids(sequences[rejected - 1]).CommonPrefixLength(source.Ids(sequences[rejected]));
            prefixes[rejected] = rule(common, lengths[rejected - 1], lengths[rejected]);
        }
        return prefixes;
    }

    /// <summary>Rows of each segment: its length less its prefix; then the filler segment where one is needed.</summary>
    private static int[] Segments(int[] lengths, int[] prefixes)
    {
        var segments = new int[lengths.Length];
        var rows = 0;
        for (var segment = 0; segment < lengths.Length; segment++)
        {
            segments[segment] = lengths[segment] - PrefixOf(prefixes, segment);
            rows = checked(rows + segments[segment]);
        }
        return rows < FewestRows ? [.. segments, FewestRows - rows] : segments;
    }

    private static int[] Positions(int[] segments, int[] prefixes, int rows)
    {
        var positions = new int[rows];
        var offset = 0;
        for (var segment = 0; segment < segments.Length; segment++)
        {
            var prefix = PrefixOf(prefixes, segment);
            for (var own = 0; own < segments[segment]; own++) positions[offset + own] = prefix + own;
            offset += segments[segment];
        }
        return positions;
    }

    private static int PrefixOf(int[] prefixes, int segment) => segment < prefixes.Length ? prefixes[segment] : 0;
}
