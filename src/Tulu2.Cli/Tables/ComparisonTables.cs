using Spectre.Console;
using Tulu2.Cli.Shell;
using Tulu2.Evaluation.Reporting;

namespace Tulu2.Cli.Tables;

/// <summary>A comparison of runs for people: the rows of its page in one table.</summary>
internal static class ComparisonTables
{
    public static void Write(Terminal terminal, IReadOnlyList<ComparedRun> runs)
    {
        var table = new Table().AddColumns(["", .. runs.Select(run => Markup.Escape(run.Name))]);
        foreach (var (index, part) in ComparisonTable.Of(runs).Index())
        {
            if (index > 0) table.AddEmptyRow();
            table.AddRow(Markup.Escape(part.Heading.ToUpperInvariant()));
            foreach (var row in part.Rows) table.AddRow([Markup.Escape(row.Name), .. row.Cells.Select(Markup.Escape)]);
        }
        terminal.Human.Write(table);
    }
}
