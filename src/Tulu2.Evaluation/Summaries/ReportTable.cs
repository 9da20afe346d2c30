using Tulu2.Evaluation.Resampling;

namespace Tulu2.Evaluation.Summaries;

/// <summary>A table of a report in a form that text, Markdown, HTML and JSON are made of, so that they agree.</summary>
/// <param name="Id">Unique in the report; letters, digits and hyphens.</param>
/// <param name="Columns">Headings; the first is that of the rows' names.</param>
public sealed record ReportTable(string Id, string Heading, IReadOnlyList<string> Columns, IReadOnlyList<TableRow> Rows)
{
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>Left out of text for terminals, and collapsed on pages.</summary>
    public bool IsDetail { get; init; }

    /// <summary>The reader may sort it by a column.</summary>
    public bool IsSortable { get; init; }
}

/// <summary>A row: a name and a cell for each further column.</summary>
/// <param name="Origin">Where its numbers are from.</param>
public sealed record TableRow(string Name, RowOrigin Origin, IReadOnlyList<TableCell> Cells);

public enum RowOrigin
{
    /// <summary>Scored here.</summary>
    Ours,

    /// <summary>Printed by the paper, or on its models' cards.</summary>
    Paper,

    /// <summary>Ours less the paper's.</summary>
    Difference,
}

/// <summary>A cell: a number with its interval, or words.</summary>
/// <param name="Text">As it is printed, without mark and interval.</param>
/// <param name="Value">With all digits, in the unit of the column; null: words, or nothing.</param>
public sealed record TableCell(string Text, double? Value = null)
{
    public const string Dash = "–";

    /// <summary>Of 95 in 100.</summary>
    public Interval? Interval { get; init; }

    /// <summary>The interval as printed.</summary>
    public string? IntervalText { get; init; }

    /// <summary>What stands in brackets behind the number: a letter of the notes, or a certainty.</summary>
    public string? Mark { get; init; }

    public static TableCell None { get; } = new(Dash);

    public static TableCell Of(double value, int digits, Interval? interval = null, string? mark = null) => new(Figures.Text(value, digits), value)
    {
        Interval = interval,
        IntervalText = interval is null ? null : Figures.Text(interval, digits),
        Mark = mark,
    };

    /// <summary>A difference, with its sign.</summary>
    public static TableCell Signed(double value, int digits, Interval? interval = null, string? mark = null) =>
        Of(value, digits, interval, mark) with { Text = Figures.Signed(value, digits) };

    /// <summary>Text, mark and interval on one line.</summary>
    public string Line => Text + (Mark is null ? "" : $" [{Mark}]") + (IntervalText is null ? "" : $" ({IntervalText})");
}
