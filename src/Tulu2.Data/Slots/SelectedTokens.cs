using Tulu2.Data.Chat;

namespace Tulu2.Data.Slots;

/// <summary>Some of the rows (or pairs) of a source, numbered from 0 in the given order.</summary>
/// <param name="items">[selected] numbers of the rows (or pairs) in <paramref name="source"/>.</param>
/// <param name="perItem">Sequences of each.</param>
public sealed class SelectedTokens(ITokenSource source, int[] items, int perItem) : ITokenSource
{
    public int Sequences => items.Length * perItem;

    public int Length(int sequence) => source.Length(Of(sequence));

    public int LossTokens(int sequence) => source.LossTokens(Of(sequence));

    public ReadOnlySpan<int> Ids(int sequence) => source.Ids(Of(sequence));

    public ReadOnlySpan<LossSpan> Spans(int sequence) => source.Spans(Of(sequence));

    public bool Desirable(int item) => source.Desirable(items[item]);

    private int Of(int sequence) => items[sequence / perItem] * perItem + sequence % perItem;
}
