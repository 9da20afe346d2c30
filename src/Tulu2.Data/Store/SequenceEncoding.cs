using Tulu2.Data.Chat;
using Tulu2.Data.Rows;

namespace Tulu2.Data.Store;

/// <summary>One row or pair as its sequences, or the reason why it has none.</summary>
internal readonly record struct SequenceEncoding(EncodedSequence[] Sequences, long Line, string Dataset, RowFault? Fault)
{
    public static SequenceEncoding Of(RowFault fault) => new([], fault.Location.Line, "", fault);

    public static SequenceEncoding Of(ChatEncoder encoder, MessageRow row)
    {
        var encoded = encoder.EncodeDialogue(row.Messages);
        if (encoded.LossTokens > 0) return new([encoded], row.Location.Line, row.Dataset, null);
        return Of(new RowFault(row.Location,
            $"nothing is left to learn: no answer begins within data.max_length {encoder.MaxLength} (the row has {encoded.UntruncatedLength} tokens)",
            RowFaultKind.NothingToLearn));
    }

    public static SequenceEncoding Of(ChatEncoder encoder, PreferenceRow row)
    {
        var chosen = encoder.EncodeDialogue(row.Chosen, LossRule.LastAssistantTurn);
        var rejected = encoder.EncodeDialogue(row.Rejected, LossRule.LastAssistantTurn);
        if (chosen.LossTokens > 0 && rejected.LossTokens > 0) return new([chosen, rejected], row.Location.Line, row.Dataset, null);
        var (side, length) = chosen.LossTokens == 0 ? ("chosen", chosen.UntruncatedLength) : ("rejected", rejected.UntruncatedLength);
        return Of(new RowFault(row.Location,
            $"the {side} answer lies wholly beyond data.max_length {encoder.MaxLength} (its side has {length} tokens)", RowFaultKind.Dirt));
    }
}
