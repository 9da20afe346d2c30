namespace Tulu2.Data.Rows;

/// <summary>Where a row stands: the file and its 1-based line (JSON Lines) or 1-based row number (JSON arrays, Parquet).</summary>
public readonly record struct RowLocation(string File, long Line)
{
    public override string ToString() => $"{File}:{Line}";
}

/// <summary>One turn of a dialogue. <paramref name="Role"/> is <c>system</c>, <c>user</c> or <c>assistant</c>.</summary>
public sealed record Message(string Role, string Content);

/// <summary>One instruction row: tulu2-spec section 3.1.</summary>
public sealed record MessageRow(string Dataset, string Id, IReadOnlyList<Message> Messages, RowLocation Location);

/// <summary>One preference pair; both lists hold the whole dialogue: tulu2-spec section 5.1.</summary>
public sealed record PreferenceRow(string Id, IReadOnlyList<Message> Chosen, IReadOnlyList<Message> Rejected, RowLocation Location);

/// <summary>A row that was left out, and why.</summary>
public sealed record RowFault(RowLocation Location, string Reason);
