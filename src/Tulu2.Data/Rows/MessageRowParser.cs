using System.Globalization;
using System.Text.Json;

namespace Tulu2.Data.Rows;

internal static class MessageRowParser
{
    private const string WantedForm = """{"messages": [{"role": "user", "content": "..."}, {"role": "assistant", "content": "..."}]}""";

    public static RowResult<MessageRow> Parse(JsonElement row, RowLocation location)
    {
        if (!JsonFields.TryGet(row, RowKeys.Messages, out var list)) return new RowFault(location, MissingMessages(row));
        if (RowKeys.Refusal(row, "", RowKeys.RefusedInRow) is { } refusal) return new RowFault(location, refusal);
        if (TurnParser.Messages(list, RowKeys.Messages, out var messages) is { } reason) return new RowFault(location, reason);
        if (TurnParser.AddSystem(row, messages) is { } systemReason) return new RowFault(location, systemReason);
        if (!messages.Exists(message => message.Role == Message.Assistant))
            return new RowFault(location, "no assistant turn: there is nothing to learn from this row");
        if (JsonFields.Label(row, RowKeys.Dataset, Path.GetFileName(location.File), out var dataset) is { } datasetReason)
            return new RowFault(location, datasetReason);
        if (JsonFields.Label(row, RowKeys.Id, location.Line.ToString(CultureInfo.InvariantCulture), out var id) is { } idReason)
            return new RowFault(location, idReason);
        return new MessageRow(dataset, id, messages, location);
    }

    private static string MissingMessages(JsonElement row)
    {
        if (PreferenceRowParser.IsPair(row))
            return "no messages: this is a preference pair (set objective: dpo, or give instruction rows)";
        if (!row.EnumerateObject().Any()) return "no messages";
        return $"no messages: the row has {JsonFields.Names(row)}{Form(row)}; wanted: {WantedForm}";
    }

    // Known forms are named, not guessed at: how their columns join to a text decides what is learnt. The prompt/completion form joins raw text without the chat
    // template (docs/reference/tulu2.md, prompt and completion).
    private static string Form(JsonElement row)
    {
        if (Has("conversations") || Has("conversation")) return " (the ShareGPT form, which is not read)";
        if (Has("instruction") && (Has("output") || Has("response"))) return " (the Alpaca form, which is not read)";
        return Has("prompt") && Has("completion") ? " (the older prompt/completion form, which is not read)" : "";

        bool Has(string name) => row.TryGetProperty(name, out _);
    }
}
