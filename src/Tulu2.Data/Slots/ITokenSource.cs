using Tulu2.Data.Chat;

namespace Tulu2.Data.Slots;

/// <summary>
/// Sequences by number. Row k is sequence k; pair k is the sequences 2k (chosen) and 2k + 1 (rejected). Lengths and counts are held in memory;
/// tokens may be read from disk. Safe to call from several threads.
/// </summary>
public interface ITokenSource
{
    /// <summary>Number of sequences (twice the number of pairs).</summary>
    int Sequences { get; }

    /// <summary>Tokens of a sequence.</summary>
    int Length(int sequence);

    /// <summary>Scored tokens of a sequence.</summary>
    int LossTokens(int sequence);

    /// <summary>Token ids of a sequence; valid as long as the source.</summary>
    ReadOnlySpan<int> Ids(int sequence);

    /// <summary>Scored positions of a sequence.</summary>
    ReadOnlySpan<LossSpan> Spans(int sequence);

    /// <summary>The label of an unpaired preference: whether its answer is desirable. True of other rows.</summary>
    /// <param name="item">Number of the row (or pair).</param>
    bool Desirable(int item) => true;
}
