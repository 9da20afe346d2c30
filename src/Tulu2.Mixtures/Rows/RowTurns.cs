using Tulu2.Data.Rows;

namespace Tulu2.Mixtures.Rows;

/// <param name="Number">From 1, in its dialogue.</param>
/// <param name="Role">A message's role; for the answers of a pair <c>chosen</c> and <c>rejected</c>.</param>
internal readonly record struct RowTurn(int Number, string Role, string Text)
{
    /// <summary>It stands before an answer, and is none.</summary>
    public bool IsPrompt => Role is Message.User or Message.System;
}

/// <summary>The turns of a row of either kind, each once.</summary>
internal sealed record RowTurns(string Dataset, string Id, RowLocation Location, IReadOnlyList<RowTurn> Turns)
{
    public static RowTurns Of(MessageRow row) =>
        new(row.Dataset, row.Id, row.Location, [.. row.Messages.Select((turn, at) => new RowTurn(at + 1, turn.Role, turn.Content))]);

    public static RowTurns Of(UnpairedRow row) =>
        new(row.Dataset, row.Id, row.Location, [.. row.Messages.Select((turn, at) => new RowTurn(at + 1, turn.Role, turn.Content))]);

    /// <summary>Both sides of a pair have the same turns before their answers.</summary>
    public static RowTurns Of(PreferenceRow row) => new(row.Dataset, row.Id, row.Location,
    [
        .. row.Chosen.SkipLast(1).Select((turn, at) => new RowTurn(at + 1, turn.Role, turn.Content)),
        new RowTurn(row.Chosen.Count, "chosen", row.Chosen[^1].Content), new RowTurn(row.Rejected.Count, "rejected", row.Rejected[^1].Content),
    ]);
}
