using Tulu2.Data.Chat;
using Tulu2.Data.Slots;

namespace Tulu2.Tests.Data.Slots;

/// <summary>Made-up sequences: sequence s has its own token ids, 1000 s + position; everything from a given position on is scored.</summary>
internal sealed class TableSource(params (int Length, int ScoredFrom)[] sequences) : ITokenSource
{
    public int Sequences => sequences.Length;

    public int Length(int sequence) => sequences[sequence].Length;

    public int LossTokens(int sequence) => sequences[sequence].Length - sequences[sequence].ScoredFrom;

    public ReadOnlySpan<int> Ids(int sequence) => Enumerable.Range(1000 * sequence, sequences[sequence].Length).ToArray();

    public ReadOnlySpan<LossSpan> Spans(int sequence) => new[] { new LossSpan(sequences[sequence].ScoredFrom, sequences[sequence].Length) };

    /// <summary>Lengths 2 to 41, in no order.</summary>
    public static TableSource OfCount(int count) =>
        new([.. Enumerable.Range(0, count).Select(number => (2 + number * 37 % 40, 1))]);
}
