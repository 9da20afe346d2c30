using System.Text.Json;

namespace Tulu2.Data.Rows.Conversion;

/// <summary>A source of instruction rows: a form says how its keys make turns; the checks that hold for every form are here.</summary>
internal abstract class InstructionSource : IRowSource<MessageRow>
{
    public abstract string Name { get; }

    public RowKind Kind => RowKind.Messages;

    public abstract IReadOnlyList<string> Keys { get; }

    public abstract Likeness Match(JsonElement record);

    public RowResult<MessageRow> Convert(JsonElement record, RowLocation location)
    {
        if (Missing(record) is { } missing) return new RowFault(location, missing);
        if (RowKeys.Refusal(record, "", RowKeys.RefusedInRow) is { } refusal) return new RowFault(location, refusal);
        if (Turns(record, out var messages) is { } reason) return new RowFault(location, reason);
        if (TurnParser.AddSystem(record, messages) is { } systemReason) return new RowFault(location, systemReason);
        if (!messages.Exists(message => message.Role == Message.Assistant))
            return new RowFault(location, "no assistant turn: there is nothing to learn from this row");
        return JsonFields.Labels(record, location, out var dataset, out var id) is { } labelReason
            ? new RowFault(location, labelReason) : new MessageRow(dataset, id, messages, location);
    }

    /// <summary>The reason where the record lacks what the form needs; null: it has it.</summary>
    protected virtual string? Missing(JsonElement record) => null;

    /// <summary>The record's dialogue, in order; a reason where it has none.</summary>
    protected abstract string? Turns(JsonElement record, out List<Message> messages);
}
