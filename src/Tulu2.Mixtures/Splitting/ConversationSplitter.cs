namespace Tulu2.Mixtures.Splitting;

/// <summary>A part of a conversation: its turns from <paramref name="Begin"/> to before <paramref name="End"/>.</summary>
internal readonly record struct ConversationPart(int Begin, int End);

/// <summary>
/// Cuts a conversation into parts of a limited cost, between pairs of turns (docs/reference/tulu2.md, splitting of ShareGPT; the original is
/// <c>split_sharegpt_conversations.py</c>). Pure. A pair that is too long by itself is in no part.
/// </summary>
internal static class ConversationSplitter
{
    /// <summary>As the original does: where the last pair begins a new part, it is lost.</summary>
    /// <param name="costs">Cost of each turn in tokens; a last turn without an answer is ignored.</param>
    /// <param name="most">Most tokens of a part.</param>
    public static IReadOnlyList<ConversationPart> AsOriginal(IReadOnlyList<int> costs, int most)
    {
        var (parts, end) = (new List<ConversationPart>(), costs.Count / 2 * 2);
        var (start, running) = (0, 0L);
        for (var at = 0; at < end; at += 2)
        {
            var pair = (long)costs[at] + costs[at + 1];
            if (running + pair > most)
            {
                Add(parts, start, at);
                start = pair > most ? at + 2 : at;
                running = 0;
            }
            else if (at == end - 2) Add(parts, start, end);
            // A pair that was skipped weighs on the next part too, which then overflows at once.
            running += pair;
        }
        return parts;
    }

    /// <summary>Every pair that fits by itself is in a part.</summary>
    public static IReadOnlyList<ConversationPart> Whole(IReadOnlyList<int> costs, int most)
    {
        var (parts, end) = (new List<ConversationPart>(), costs.Count / 2 * 2);
        var (start, running) = (0, 0L);
        for (var at = 0; at < end; at += 2)
        {
            var pair = (long)costs[at] + costs[at + 1];
            if (running + pair > most)
            {
                Add(parts, start, at);
                (start, running) = pair > most ? (at + 2, 0) : (at, pair);
            }
            else running += pair;
        }
        Add(parts, start, end);
        return parts;
    }

    // The original makes empty parts and drops them later.
    private static void Add(List<ConversationPart> parts, int begin, int end)
    {
        if (begin < end) parts.Add(new ConversationPart(begin, end));
    }
}
