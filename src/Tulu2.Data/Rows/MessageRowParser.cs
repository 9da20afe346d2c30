using System.Globalization;
using System.Text.Json;

namespace Tulu2.Data.Rows;

internal static class MessageRowParser
{
    public static RowResult<MessageRow> Parse(JsonElement row, RowLocation location)
    {
        if (!JsonFields.TryGet(row, "messages", out var list)) return new RowFault(location, MissingMessages(row));
        if (JsonFields.Messages(list, "messages", out var messages) is { } reason) return new RowFault(location, reason);
        if (!messages.Exists(message => message.Role == Message.Assistant))
            return new RowFault(location, "no assistant turn: there is nothing to learn from this row");
        if (JsonFields.Label(row, "dataset", Path.GetFileName(location.File), out var dataset) is { } datasetReason)
            return new RowFault(location, datasetReason);
        if (JsonFields.Label(row, "id", location.Line.ToString(CultureInfo.InvariantCulture), out var id) is { } idReason)
            return new RowFault(location, idReason);
        return new MessageRow(dataset, id, messages, location);
    }

    private static string MissingMessages(JsonElement row)
    {
        if (row.TryGetProperty("chosen", out _) && row.TryGetProperty("rejected", out _))
            return "no messages: this is a preference pair (set objective: dpo, or give instruction rows)";
        // The older form joins raw text without the chat template (tulu2-spec 2.4): taking it for a dialogue would train on other tokens.
        if (row.TryGetProperty("prompt", out _) && row.TryGetProperty("completion", out _))
            return "no messages: the older prompt/completion form is not read "
                + "(write messages: a user turn with the prompt, an assistant turn with the completion)";
        return "no messages";
    }
}
