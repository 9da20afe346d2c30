using System.Globalization;
using Tulu2.Data.Statistics.Content;
using Tulu2.Files;

namespace Tulu2.Data.Statistics;

/// <summary>The table of sources, for terminal and page: how many rows and tokens each has, and what share that is.</summary>
public static class SourceTable
{
    private const string None = "–";

    public static IReadOnlyList<string> Header(string source) =>
        [source, "rows", "share", "turns/row", "tokens", "share", "scored", "truncated", "duplicates"];

    /// <summary>One row of cells a source.</summary>
    /// <param name="contents">Of the same rows; a source that is not among them has no turns and duplicates to show.</param>
    public static IEnumerable<IReadOnlyList<string>> Rows(IReadOnlyList<SourceTokens> sources, IReadOnlyList<SourceContent> contents)
    {
        var (rows, tokens) = (sources.Sum(source => (long)source.Rows), sources.Sum(source => source.Tokens));
        // A file that is named twice is one source of tokens.
        var byName = contents.ToLookup(content => content.Name);
        foreach (var source in sources)
        {
            var content = byName[source.Name].ToList();
            var contentRows = content.Sum(part => part.Rows);
            yield return
            [
                source.Name, NumberText.Count(source.Rows), Share(source.Rows, rows),
                contentRows == 0 ? None : ((double)content.Sum(part => part.Turns) / contentRows).ToString("N1", CultureInfo.InvariantCulture),
                NumberText.Count(source.Tokens), Share(source.Tokens, tokens), Share(source.LossTokens, source.Tokens),
                Counted(source.Truncated, source.Rows), contentRows == 0 ? None : Counted(content.Sum(part => part.DuplicateRows), contentRows),
            ];
        }
    }

    /// <summary>A number of rows, with their share where there are any.</summary>
    private static string Counted(long part, long whole) => part == 0 ? "0" : $"{NumberText.Count(part)} ({Share(part, whole)})";

    private static string Share(long part, long whole) => NumberText.Percent(whole == 0 ? 0 : (double)part / whole);
}
