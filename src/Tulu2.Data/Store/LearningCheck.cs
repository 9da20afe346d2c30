using Tulu2.Data.Chat;
using Tulu2.Data.Rows;

namespace Tulu2.Data.Store;

/// <summary>Checks that a row or pair, encoded and cut, has something to learn. Null: it does.</summary>
public static class LearningCheck
{
    public static RowFault? Of(MessageRow row, EncodedSequence encoded, int maxLength)
    {
        if (encoded.HasAnswer) return null;
        return new RowFault(row.Location, Reason(row.Messages, encoded.UntruncatedLength, maxLength), RowFaultKind.NothingToLearn);
    }

    public static RowFault? Of(PreferenceRow row, EncodedSequence chosen, EncodedSequence rejected, int maxLength)
    {
        string reason;
        if (!chosen.HasAnswer || !rejected.HasAnswer)
        {
            var (side, length) = chosen.HasAnswer ? ("rejected", rejected.UntruncatedLength) : ("chosen", chosen.UntruncatedLength);
            reason = $"the {side} answer lies wholly beyond data.max_length {maxLength} (its side has {length} tokens)";
        }
        // Equal sides would still be trained on: their gradients cancel up to rounding, and Adam scales the rounding errors up to full steps.
        else if (chosen.Ids.AsSpan().SequenceEqual(rejected.Ids))
            reason = chosen.Truncated || rejected.Truncated
                ? $"chosen and rejected are equal within data.max_length {maxLength} "
                    + $"(they have {chosen.UntruncatedLength} and {rejected.UntruncatedLength} tokens)"
                : "chosen and rejected have the same tokens";
        else return null;
        return new RowFault(row.Location, reason, RowFaultKind.Dirt);
    }

    public static RowFault? Of(UnpairedRow row, EncodedSequence encoded, int maxLength) => encoded.HasAnswer ? null
        : new RowFault(row.Location, $"the answer lies wholly beyond data.max_length {maxLength} (the row has {encoded.UntruncatedLength} tokens)", RowFaultKind.Dirt);

    private static string Reason(IReadOnlyList<Message> messages, int length, int maxLength)
    {
        if (messages.Any(message => message.IsAnswer))
            return $"nothing is left to learn: no answer begins within data.max_length {maxLength} (the row has {length} tokens)";
        var answers = messages.Where(message => message.Role == Message.Assistant).ToList();
        if (!answers.Exists(message => message.Learnt)) return "there is nothing to learn: no turn of the assistant is to be learnt (weight: 0)";
        return answers.Count == 1 ? "there is nothing to learn: the answer is empty" : "there is nothing to learn: every answer that is to be learnt is empty";
    }
}
