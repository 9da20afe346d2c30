using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;

namespace Tulu2.Evaluation.Reporting;

/// <summary>Builds HTML elements. All text from models, files and users goes through <see cref="Escape"/>.</summary>
internal static class Html
{
    /// <summary>Escapes text for element content and quoted attributes; control characters, which HTML forbids, become U+FFFD.</summary>
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
    /// A table with a header row; the first cell of each row is its header. Cells are plain text; columns from <paramref name="numbersFrom"/> on are
    /// right-aligned numbers. On narrow pages each row becomes a block whose cells are labelled with their column names.
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

    // Characters from which a word, such as a path or a hash, may be too long for one line on a phone.
    private const int LongWord = 24;

    // Characters up to which a text, such as a time or a range of steps, is not wrapped.
    private const int ShortText = 20;

    private static int LongestWord(string text) => text.Split(' ', '\n').Max(word => word.Length);

    /// <summary>Escapes text and allows line breaks after slashes, so that paths need not be broken within a word.</summary>
    private static string Breakable(string text) => Escape(text).Replace("/", "/<wbr>", StringComparison.Ordinal);

    /// <summary>Text that is collapsed until the reader opens it.</summary>
    public static string Details(string summary, string text) =>
        $"<details><summary>{Escape(summary)}</summary><pre>{Escape(text)}</pre></details>\n";

    /// <summary>A self-contained page without external resources, and without scripts but one of its own parts'; its content security policy forbids others.</summary>
    /// <param name="subtitle">As HTML.</param>
    /// <param name="parts">Sections that come first, with their style and script.</param>
    public static string Page(string title, string subtitle, IEnumerable<string> sections, PageParts? parts = null)
    {
        parts ??= PageParts.None;
        var script = parts.Script.Length == 0 ? "" : $"; script-src 'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(parts.Script)))}'";
        var html = new StringBuilder();
        html.Append("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
            .Append("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'").Append(script).Append("\">\n")
            .Append("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n")
            .Append($"<title>{Escape(title)}</title>\n<style>\n{ReportStyle.Css}{parts.Css}</style>\n</head>\n<body>\n<main>\n")
            .Append($"<header><h1>{Escape(title)}</h1><p>{subtitle}</p></header>\n");
        foreach (var section in parts.Sections.Concat(sections)) html.Append(section);
        html.Append("</main>\n");
        if (parts.Script.Length > 0) html.Append($"<script>{parts.Script}</script>\n");
        return html.Append("</body>\n</html>\n").ToString();
    }

    public static string Section(string id, string heading, params IEnumerable<string> parts) =>
        $"<section aria-labelledby=\"{id}\"><h2 id=\"{id}\">{Escape(heading)}</h2>\n{string.Concat(parts)}</section>\n";
}
