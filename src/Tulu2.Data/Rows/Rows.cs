namespace Tulu2.Data.Rows;

/// <summary>Where a row stands: the file and its 1-based line (JSON Lines) or 1-based row number (JSON arrays, Parquet).</summary>
public readonly record struct RowLocation(string File, long Line)
{
    public override string ToString() => $"{File}:{Line}";
}

/// <summary>One turn of a dialogue. <paramref name="Role"/> is <c>system</c>, <c>user</c> or <c>assistant</c>.</summary>
public sealed record Message(string Role, string Content)
{
    public const string System = "system";
    public const string User = "user";
    public const string Assistant = "assistant";

    /// <summary>False: a turn of the assistant that is read as context only (<c>weight: 0</c> in the row).</summary>
    public bool Learnt { get; init; } = true;

    /// <summary>There is something to learn: a turn of the assistant that is to be learnt and that says something.</summary>
    public bool IsAnswer => Role == Assistant && Learnt && Chat.TurnText.Strip(Content).Length > 0;
}

/// <summary>One instruction row: tulu2-spec section 3.1.</summary>
public sealed record MessageRow(string Dataset, string Id, IReadOnlyList<Message> Messages, RowLocation Location);

/// <summary>One preference pair; both lists hold the whole dialogue: tulu2-spec section 5.1.</summary>
public sealed record PreferenceRow(string Id, IReadOnlyList<Message> Chosen, IReadOnlyList<Message> Rejected, RowLocation Location)
{
    /// <summary>The <c>dataset</c> field, or the file's name where the row has none.</summary>
    public string Dataset { get; init; } = "";
}

/// <summary>Why a row was left out; what happens then is the recipe's <c>data.bad_rows</c> to say, except that dirt never stops a run.</summary>
public enum RowFaultKind
{
    /// <summary>The row cannot be read as a row of its form.</summary>
    Broken,
    /// <summary>A well-formed pair that says nothing: equal sides, also within the maximum length, an empty side, a side that the maximum length cuts off.</summary>
    Dirt,
    /// <summary>A well-formed dialogue in which no token of an answer is scored: empty answers, turns of weight 0, answers beyond the maximum length.</summary>
    NothingToLearn,
    /// <summary>No row: the file is damaged from this place on. What then happens is <c>data.bad_files</c>' to say, never <c>data.bad_rows</c>'.</summary>
    DamagedFile,
}

/// <summary>A row that was left out, and why.</summary>
public sealed record RowFault(RowLocation Location, string Reason, RowFaultKind Kind = RowFaultKind.Broken);

/// <summary>What a reader found at one place: a row or a fault, never both.</summary>
public readonly record struct RowResult<TRow>(TRow? Row, RowFault? Fault)
    where TRow : class
{
    public static implicit operator RowResult<TRow>(TRow row) => new(row, null);
    public static implicit operator RowResult<TRow>(RowFault fault) => new(null, fault);
}
