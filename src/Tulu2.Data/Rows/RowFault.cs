namespace Tulu2.Data.Rows;

/// <summary>Why a row was left out. The recipe's <c>data.bad_rows</c> decides what follows, except that dirt never stops a run.</summary>
public enum RowFaultKind
{
    /// <summary>The record cannot be read as a row of its form.</summary>
    Broken,
    /// <summary>
    /// A well-formed pair without a preference: equal sides (also within the maximum length), an empty side, a side cut off by the maximum length. Of an unpaired
    /// preference: an empty answer, or one that is cut off.
    /// </summary>
    Dirt,
    /// <summary>A well-formed dialogue in which no token of an answer is scored: empty answers, turns of weight 0, answers beyond the maximum length.</summary>
    NothingToLearn,
    /// <summary>Not one row: the file is damaged from here on. The recipe's <c>data.bad_files</c> decides what follows, never <c>data.bad_rows</c>.</summary>
    DamagedFile,
}

/// <summary>A row that was left out, and why.</summary>
public sealed record RowFault(RowLocation Location, string Reason, RowFaultKind Kind = RowFaultKind.Broken);

/// <summary>What was found at one location: a row or a fault, never both.</summary>
public readonly record struct RowResult<TRow>(TRow? Row, RowFault? Fault)
    where TRow : class
{
    public static implicit operator RowResult<TRow>(TRow row) => new(row, null);
    public static implicit operator RowResult<TRow>(RowFault fault) => new(null, fault);
}
