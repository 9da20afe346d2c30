using System.Text.Json;

namespace Tulu2.Data.Rows.Conversion;

/// <summary>A source of preference pairs: a form says how its keys make the two sides; the checks that hold for every form are here.</summary>
internal abstract class PairSource : IRowSource<PreferenceRow>
{
    public abstract string Name { get; }

    public RowKind Kind => RowKind.Preferences;

    public abstract IReadOnlyList<string> Keys { get; }

    public abstract Likeness Match(JsonElement record);

    public RowResult<PreferenceRow> Convert(JsonElement record, RowLocation location)
    {
        if (RowKeys.Refusal(record, "", RowKeys.RefusedInRow) is { } refusal) return new RowFault(location, refusal);
        if (Sides(record, out var chosen, out var rejected) is { } reason) return new RowFault(location, reason);
        if (TurnParser.AddSystem(record, chosen) is { } chosenSystem) return new RowFault(location, chosenSystem);
        if (TurnParser.AddSystem(record, rejected) is { } rejectedSystem) return new RowFault(location, rejectedSystem);
        if (JsonFields.Labels(record, location, out var dataset, out var id) is { } labelReason) return new RowFault(location, labelReason);
        return Fault(chosen, rejected, location) is { } fault ? fault : new PreferenceRow(id, chosen, rejected, location) { Dataset = dataset };
    }

    /// <summary>Both dialogues as a whole, each ending with its answer; a reason where the record has none.</summary>
    protected abstract string? Sides(JsonElement record, out List<Message> chosen, out List<Message> rejected);

    /// <summary>
    /// Whether two dialogues become the same tokens: the chat template strips every turn. Of a pair only the answers are learnt, so the turns' marks don't
    /// count.
    /// </summary>
    protected static bool SameDialogue(IEnumerable<Message> left, IEnumerable<Message> right) => left.Select(Trimmed).SequenceEqual(right.Select(Trimmed));

    protected static bool SameTurn(Message left, Message right) => Trimmed(left) == Trimmed(right);

    private static RowFault? Fault(List<Message> chosen, List<Message> rejected, RowLocation location)
    {
        if (!chosen[^1].Learnt || !rejected[^1].Learnt) return new RowFault(location, "an answer has weight 0, but a pair's answers are what is learnt");
        if (TurnText.Strip(chosen[^1].Content).Length == 0) return Dirt("the chosen answer is empty");
        if (TurnText.Strip(rejected[^1].Content).Length == 0) return Dirt("the rejected answer is empty");
        if (!SameDialogue(chosen.Take(chosen.Count - 1), rejected.Take(rejected.Count - 1)))
            return new RowFault(location, "chosen and rejected do not answer the same prompt");
        return SameDialogue(chosen, rejected) ? Dirt("chosen and rejected are equal") : null;

        RowFault Dirt(string reason) => new(location, reason, RowFaultKind.Dirt);
    }

    private static Message Trimmed(Message message) => message with { Content = TurnText.Strip(message.Content), Learnt = true };
}
