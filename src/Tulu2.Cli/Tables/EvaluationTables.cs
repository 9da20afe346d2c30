using Spectre.Console;
using Tulu2.Cli.Shell;
using Tulu2.Evaluation.Summaries;
using TableCell = Tulu2.Evaluation.Summaries.TableCell;

namespace Tulu2.Cli.Tables;

/// <summary>Tables of an evaluation for people. A terminal has intervals below the scores; a file has a row on one line.</summary>
internal static class EvaluationTables
{
    public static void Write(Terminal terminal, IEnumerable<ReportTable> tables)
    {
        foreach (var table in tables.Where(table => table is { IsDetail: false, Rows.Count: > 0 })) Write(terminal, table);
    }

    private static void Write(Terminal terminal, ReportTable table)
    {
        var shown = new Table().AddColumns([.. table.Columns.Select(Markup.Escape)]);
        foreach (var (index, column) in shown.Columns.Index().Skip(1))
            if (table.Rows.Any(row => row.Cells[index - 1].Value is not null)) column.RightAligned();
        foreach (var row in table.Rows) shown.AddRow([Markup.Escape(row.Name), .. row.Cells.Select(cell => Markup.Escape(Text(terminal, cell)))]);
        terminal.WriteHuman("");
        terminal.WriteHuman(table.Heading);
        terminal.Human.Write(shown);
        foreach (var note in table.Notes) terminal.WriteHuman($"  {note}");
    }

    private static string Text(Terminal terminal, TableCell cell) =>
        terminal.IsInteractive && cell.IntervalText is not null ? $"{(cell with { IntervalText = null }).Line}\n{cell.IntervalText}" : cell.Line;
}
