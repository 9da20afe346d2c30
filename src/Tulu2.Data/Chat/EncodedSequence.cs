namespace Tulu2.Data.Chat;

/// <summary>Positions [<paramref name="Begin"/>, <paramref name="End"/>) of a sequence whose tokens are targets of the loss.</summary>
public readonly record struct LossSpan(int Begin, int End)
{
    public int Length => End - Begin;
}

/// <summary>A dialogue as tokens.</summary>
/// <param name="Ids">Token ids, cut on the right at the maximum length.</param>
/// <param name="Spans">Scored positions: ascending, disjoint, not adjacent, never position 0 (nothing predicts the first token).</param>
/// <param name="Truncated">Whether it was cut at the maximum length.</param>
/// <param name="UntruncatedLength">Tokens before the cut.</param>
public sealed record EncodedSequence(int[] Ids, LossSpan[] Spans, bool Truncated, int UntruncatedLength)
{
    /// <summary>Whether a token of an answer's own text is scored, not only tags, end tokens and newlines.</summary>
    public bool HasAnswer { get; init; }

    /// <summary>Scored tokens.</summary>
    public int LossTokens
    {
        get
        {
            var count = 0;
            foreach (var span in Spans) count += span.Length;
            return count;
        }
    }
}
