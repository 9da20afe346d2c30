using System.Globalization;
using System.Net;
using System.Text;

namespace Tulu2.Evaluation.Reporting;

/// <summary>Small pieces of HTML. Whatever comes from a model, a file or a user goes through <see cref="Escape"/>.</summary>
internal static class Html
{
    /// <summary>Text that no browser reads as markup, in element content and in quoted attributes; control characters, which HTML forbids, become U+FFFD.</summary>
    public static string Escape(string text)
    {
        var clean = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            var forbidden = Rune.GetUnicodeCategory(rune) == UnicodeCategory.Control && rune.Value is not ('\n' or '\t' or '\r');
            clean.Append(forbidden ? "\uFFFD" : rune.ToString());
        }
        return WebUtility.HtmlEncode(clean.ToString());
    }

    /// <summary>
    /// A table with a header row; each row's first cell is its header. Cells are text; columns from <paramref name="numbersFrom"/> on are set as figures.
    /// Where the page is narrow, each row becomes a block, and its cells carry the names of their columns.
    /// </summary>
    /// <param name="style">Class of the table; null: none.</param>
    public static string Table(string caption, IReadOnlyList<string> header, IEnumerable<IReadOnlyList<string>> rows, int numbersFrom = 1, string? style = null)
    {
        var html = new StringBuilder();
        html.Append(CultureInfo.InvariantCulture, $"<table{(style is null ? "" : $" class=\"{style}\"")}><caption>{Escape(caption)}</caption><thead><tr>");
        for (var i = 0; i < header.Count; i++)
            html.Append(CultureInfo.InvariantCulture, $"<th scope=\"col\"{Class(i, string.Empty)}>{Escape(header[i])}</th>");
        html.Append("</tr></thead><tbody>");
        foreach (var row in rows)
        {
            html.Append("<tr>");
            for (var i = 0; i < row.Count; i++)
                html.Append(i == 0 ? $"<th scope=\"row\"{Class(0, row[0])}>{Breakable(row[0])}</th>"
                    : $"<td data-label=\"{Escape(header[i])}\"{Class(i, row[i])}>{Breakable(row[i])}</td>");
            html.Append("</tr>\n");
        }
        return html.Append("</tbody></table>\n").ToString();

        string Class(int column, string cell)
        {
            string[] classes =
            [
                .. column >= numbersFrom ? ["figure"] : Array.Empty<string>(),
                .. LongestWord(cell) > LongWord ? ["long"] : cell.Length is > 0 and <= ShortText && column < numbersFrom ? ["short"] : Array.Empty<string>(),
            ];
            return classes.Length == 0 ? string.Empty : $" class=\"{string.Join(' ', classes)}\"";
        }
    }

    // What no line of a telephone holds: a path, a hash.
    private const int LongWord = 24;

    // What is never worth a second line: a time, a range of steps.
    private const int ShortText = 20;

    private static int LongestWord(string text) => text.Split(' ', '\n').Max(word => word.Length);

    /// <summary>Escaped text whose paths may go on in a new line after a slash, before any letter has to.</summary>
    private static string Breakable(string text) => Escape(text).Replace("/", "/<wbr>", StringComparison.Ordinal);

    /// <summary>Text that is there on demand.</summary>
    public static string Details(string summary, string text) =>
        $"<details><summary>{Escape(summary)}</summary><pre>{Escape(text)}</pre></details>\n";

    public static string Section(string id, string heading, params IEnumerable<string> parts) =>
        $"<section aria-labelledby=\"{id}\"><h2 id=\"{id}\">{Escape(heading)}</h2>\n{string.Concat(parts)}</section>\n";
}
