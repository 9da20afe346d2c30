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

    /// <summary>A table with a header row; each row's first cell is its header. Cells are text; columns from <paramref name="numbersFrom"/> on are set as figures.</summary>
    public static string Table(string caption, IReadOnlyList<string> header, IEnumerable<IReadOnlyList<string>> rows, int numbersFrom = 1)
    {
        var html = new StringBuilder();
        html.Append(CultureInfo.InvariantCulture, $"<div class=\"scroll\"><table><caption>{Escape(caption)}</caption><thead><tr>");
        for (var i = 0; i < header.Count; i++)
            html.Append(CultureInfo.InvariantCulture, $"<th scope=\"col\"{Figure(i)}>{Escape(header[i])}</th>");
        html.Append("</tr></thead><tbody>");
        foreach (var row in rows)
        {
            html.Append("<tr>");
            for (var i = 0; i < row.Count; i++)
                html.Append(i == 0 ? $"<th scope=\"row\">{Escape(row[i])}</th>" : $"<td{Figure(i)}>{Escape(row[i])}</td>");
            html.Append("</tr>\n");
        }
        return html.Append("</tbody></table></div>\n").ToString();

        string Figure(int column) => column >= numbersFrom ? " class=\"figure\"" : string.Empty;
    }

    public static string Section(string id, string heading, params IEnumerable<string> parts) =>
        $"<section aria-labelledby=\"{id}\"><h2 id=\"{id}\">{Escape(heading)}</h2>\n{string.Concat(parts)}</section>\n";
}
