namespace Tulu2.Data.Rows;

/// <summary>What a row is for.</summary>
public enum RowKind
{
    /// <summary>An instruction row: a dialogue whose assistant turns are learnt.</summary>
    Messages,
    /// <summary>A preference pair: two answers, chosen and rejected.</summary>
    Preferences,
    /// <summary>An unpaired preference: one answer with a label that says whether it is desirable.</summary>
    Unpaired,
}

/// <summary>Location of a row: the file and its 1-based line (JSON Lines) or 1-based row number (JSON arrays, Parquet).</summary>
public readonly record struct RowLocation(string File, long Line)
{
    public override string ToString() => $"{File}:{Line}";
}

/// <summary>One instruction row: docs/reference/tulu2.md, rows.</summary>
public sealed record MessageRow(string Dataset, string Id, IReadOnlyList<Message> Messages, RowLocation Location);

/// <summary>One preference pair; both lists hold the whole dialogue: docs/reference/tulu2.md, rows.</summary>
public sealed record PreferenceRow(string Id, IReadOnlyList<Message> Chosen, IReadOnlyList<Message> Rejected, RowLocation Location)
{
    /// <summary>The <c>dataset</c> field, or the file's name where the row has none.</summary>
    public string Dataset { get; init; } = "";
}

/// <summary>One answer, the last turn of a whole dialogue, and whether it is desirable (docs/preferences.md, KTO).</summary>
public sealed record UnpairedRow(string Id, IReadOnlyList<Message> Messages, bool Desirable, RowLocation Location)
{
    /// <inheritdoc cref="PreferenceRow.Dataset"/>
    public string Dataset { get; init; } = "";
}
