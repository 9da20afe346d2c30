using System.Text.Json;
using Tulu2.Data.Rows.Conversion;

namespace Tulu2.Data.Rows.Sources;

/// <summary>The released form of TÜLU's rows (docs/reference/tulu2.md, rows): a list of turns under <c>messages</c>.</summary>
internal sealed class MessagesSource : InstructionSource
{
    private const string Wanted = """{"messages": [{"role": "user", "content": "..."}, {"role": "assistant", "content": "..."}]}""";

    public override string Name => RowKeys.Messages;

    public override IReadOnlyList<string> Keys => [RowKeys.Messages];

    public override Likeness Match(JsonElement record) => !record.TryGetProperty(RowKeys.Messages, out _) ? Likeness.None
        : JsonFields.Has(record, RowKeys.Messages) ? Likeness.Complete : Likeness.Incomplete;

    protected override string? Missing(JsonElement record)
    {
        if (JsonFields.TryGet(record, RowKeys.Messages, out _)) return null;
        if (RowKeys.IsPair(record)) return "no messages: this is a preference pair (set objective: dpo, or give instruction rows)";
        if (!record.EnumerateObject().Any()) return "no messages";
        return $"no messages: the row has {JsonFields.Names(record)}; wanted: {Wanted}";
    }

    protected override string? Turns(JsonElement record, out List<Message> messages) =>
        TurnParser.Messages(record.GetProperty(RowKeys.Messages), RowKeys.Messages, out messages);
}
