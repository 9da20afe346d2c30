using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Tulu2.Evaluation.Summaries;

namespace Tulu2.Evaluation.Reporting.Evaluations;

/// <summary>
/// Renders <see cref="ReportTable"/>. Where the page is too narrow for the table, each row becomes a block of labelled tiles; the width from which that is so
/// follows from the table's content.
/// </summary>
internal static partial class TableHtml
{
    /// <summary>Widths of a page, in pixels, below which a table of the class <c>below-WIDTH</c> is shown as tiles.</summary>
    public static readonly int[] Widths = [720, 900, 1100, 1280, 1500];

    // Widths of a letter, of one of an interval, and of what is around a cell, at the style's sizes.
    private const int Letter = 8, SmallLetter = 6, Around = 12, Page = 90;

    // Characters from which words have a tile of the row's width.
    private const int LongText = 20;

    public static string Section(ReportTable table)
    {
        var content = Table(table) + Notes(table);
        return table.IsDetail
            ? $"<section id=\"{table.Id}\"><details><summary>{Html.Escape(table.Heading)}</summary>\n{content}</details></section>\n"
            : Html.Section(table.Id, table.Heading, content);
    }

    private static string Table(ReportTable table)
    {
        var html = new StringBuilder();
        var style = $"report below-{WidthOf(table)}{(table.IsSortable ? " sortable" : "")}";
        html.Append($"<table class=\"{style}\" data-table=\"{table.Id}\"><thead><tr>");
        foreach (var (index, column) in table.Columns.Index())
            html.Append(CultureInfo.InvariantCulture, $"<th scope=\"col\"{(index > 0 && IsFigures(table, index - 1) ? " class=\"figure\"" : "")}>{Name(column)}</th>");
        html.Append("</tr></thead><tbody>\n");
        foreach (var row in table.Rows)
        {
            html.Append($"<tr class=\"{row.Origin.ToString().ToLowerInvariant()}\"><th scope=\"row\">{Name(row.Name)}</th>");
            foreach (var (index, cell) in row.Cells.Index()) html.Append(Cell(table.Columns[index + 1], cell, IsFigures(table, index)));
            html.Append("</tr>\n");
        }
        return html.Append("</tbody></table>\n").ToString();
    }

    private static string Cell(string column, TableCell cell, bool isFigure)
    {
        string[] classes = [.. isFigure ? ["figure"] : cell.Text.Length > LongText ? ["words"] : Array.Empty<string>(), .. cell.Text == TableCell.Dash && cell.Mark is null ? ["none"] : Array.Empty<string>()];
        var html = new StringBuilder($"<td data-label=\"{Label(column)}\"");
        if (classes.Length > 0) html.Append($" class=\"{string.Join(' ', classes)}\"");
        if (cell.Value is { } value) html.Append(CultureInfo.InvariantCulture, $" data-value=\"{value:R}\"");
        if (cell.Interval is { } interval) html.Append(CultureInfo.InvariantCulture, $" data-low=\"{interval.Low:R}\" data-high=\"{interval.High:R}\"");
        html.Append($"><span>{Name(cell.Text)}");
        if (cell.Mark is not null) html.Append($" <small>[{Html.Escape(cell.Mark)}]</small>");
        html.Append("</span>");
        if (cell.IntervalText is not null) html.Append($" <small class=\"interval\">{Html.Escape(cell.IntervalText)}</small>");
        return html.Append("</td>").ToString();
    }

    // Names of models, files and judges may break behind their joints, or before a port, and nowhere else. The @ of pass@10 is none.
    [GeneratedRegex(@"(?<=[/_])|(?<=@)(?=\S*[.:]\S)|(?<=[\w\]])(?=:\d{2,5}\b)")]
    private static partial Regex Joints();

    public static string Name(string text) => Breakable(Html.Escape(text), "<wbr>");

    // A label is no markup, so that the places where it may break are characters of no width.
    private static string Label(string text) => Html.Escape(Breakable(text, "\u200B"));

    private static string Breakable(string text, string place) => Joints().Replace(text, place);

    private static string Notes(ReportTable table) => string.Concat(table.Notes.Select(note => $"<p class=\"note\">{Name(note)}</p>\n"));

    private static bool IsFigures(ReportTable table, int cell) => table.Rows.Any(row => row.Cells[cell].Value is not null);

    private static int WidthOf(ReportTable table)
    {
        var names = table.Rows.Select(row => Words(row.Name) * Letter).Append(Words(table.Columns[0]) * Letter).Max();
        var cells = Enumerable.Range(0, table.Columns.Count - 1).Sum(index => Around + table.Rows.Select(row => CellWidth(table, row.Cells[index], index))
            .Append(Words(table.Columns[index + 1]) * Letter).Max());
        var width = Math.Max(names, 150) + cells + Page;
        return Widths.FirstOrDefault(limit => limit >= width, Widths[^1] * 10);
    }

    private static int CellWidth(ReportTable table, TableCell cell, int index) => Math.Max(
        IsFigures(table, index) ? (cell.Text.Length + (cell.Mark is null ? 0 : cell.Mark.Length + 3)) * Letter : Words(cell.Text) * Letter,
        (cell.IntervalText?.Length ?? 0) * SmallLetter);

    private static int Words(string text) => text.Split(' ', '-').SelectMany(word => Joints().Split(word)).Max(word => word.Length + 1);

    public static string Css() => string.Concat(Widths.Append(Widths[^1] * 10).Select(width => $"@media (max-width: {width}px) {{ {Tiles($".below-{width}")} }}\n"));

    private static string Tiles(string table) => $$"""
        {{table}} thead { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; }
        {{table}}, {{table}} tbody, {{table}} th[scope=row] { display: block; }
        {{table}} tr { display: grid; gap: 4px 12px; grid-template-columns: repeat(auto-fill, minmax(96px, 1fr)); padding: 8px 0; border-bottom: 1px solid var(--line); }
        {{table}} th[scope=row] { grid-column: 1 / -1; padding: 0; border: 0; }
        {{table}} td { display: grid; grid-row: span 3; grid-template-rows: subgrid; row-gap: 0; align-content: start; border: 0; padding: 0; text-align: left; white-space: normal; min-width: 0; }
        {{table}} td::before { content: attr(data-label); display: block; align-self: end; color: var(--soft); font-size: .75rem; line-height: 1.25; overflow-wrap: anywhere; }
        {{table}} td.none { display: none; } {{table}} td.words { grid-column: 1 / -1; }
        """;
}
