using System.Text;
using Tulu2.Evaluation.Summaries;

namespace Tulu2.Evaluation.Reporting.Evaluations;

/// <summary>Tables as GitHub-flavoured Markdown.</summary>
public static class EvaluationMarkdown
{
    public static string Of(string title, IEnumerable<ReportTable> tables)
    {
        var text = new StringBuilder($"# {Escape(title)}\n");
        foreach (var table in tables.Where(table => table.Rows.Count > 0))
        {
            text.Append($"\n## {Escape(table.Heading)}\n\n");
            Line(text, table.Columns);
            text.Append(string.Concat(table.Columns.Select((_, index) => index == 0 ? "| --- |" : IsFigures(table, index - 1) ? " ---: |" : " --- |"))).Append('\n');
            foreach (var row in table.Rows) Line(text, [row.Name, .. row.Cells.Select(cell => cell.Line)]);
            if (table.Notes.Count > 0) text.Append('\n');
            foreach (var note in table.Notes) text.Append($"- {Escape(note)}\n");
        }
        return $"{text}";
    }

    private static bool IsFigures(ReportTable table, int cell) => table.Rows.Any(row => row.Cells[cell].Value is not null);

    private static void Line(StringBuilder text, IEnumerable<string> cells) => text.Append("| ").AppendJoin(" | ", cells.Select(Escape)).Append(" |\n");

    // What Markdown or HTML would take for its own.
    private static string Escape(string text)
    {
        var escaped = new StringBuilder();
        foreach (var letter in text)
            if (letter is '\n' or '\r') escaped.Append(' ');
            else if (letter is '<') escaped.Append("&lt;");
            else if (letter is '&') escaped.Append("&amp;");
            else escaped.Append(letter is '|' or '*' or '_' or '`' or '[' or ']' or '\\' or '#' or '~' ? $"\\{letter}" : $"{letter}");
        return $"{escaped}";
    }
}
