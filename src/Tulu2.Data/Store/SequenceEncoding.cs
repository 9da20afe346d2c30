using Tulu2.Data.Chat;
using Tulu2.Data.Rows;

namespace Tulu2.Data.Store;

/// <summary>One row or pair as its sequences, or the reason why it has none.</summary>
internal readonly record struct SequenceEncoding(EncodedSequence[] Sequences, long Line, string Dataset, RowFault? Fault)
{
    /// <summary>The label of an unpaired preference; true otherwise.</summary>
    public bool Desirable { get; init; } = true;

    public static SequenceEncoding Of(RowFault fault) => new([], fault.Location.Line, "", fault);

    public static SequenceEncoding Of(ChatEncoder encoder, MessageRow row)
    {
        var encoded = encoder.EncodeDialogue(row.Messages);
        return LearningCheck.Of(row, encoded, encoder.MaxLength) is { } fault ? Of(fault) : new([encoded], row.Location.Line, row.Dataset, null);
    }

    public static SequenceEncoding Of(ChatEncoder encoder, UnpairedRow row)
    {
        var encoded = encoder.EncodeDialogue(row.Messages, LossRule.LastAssistantTurn);
        return LearningCheck.Of(row, encoded, encoder.MaxLength) is { } fault
            ? Of(fault) : new([encoded], row.Location.Line, row.Dataset, null) { Desirable = row.Desirable };
    }

    public static SequenceEncoding Of(ChatEncoder encoder, PreferenceRow row)
    {
        var chosen = encoder.EncodeDialogue(row.Chosen, LossRule.LastAssistantTurn);
        var rejected = encoder.EncodeDialogue(row.Rejected, LossRule.LastAssistantTurn);
        return LearningCheck.Of(row, chosen, rejected, encoder.MaxLength) is { } fault
            ? Of(fault) : new([chosen, rejected], row.Location.Line, row.Dataset, null);
    }
}
