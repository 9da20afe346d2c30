using System.Globalization;
using Tulu2.Data.Statistics.Content;
using Tulu2.Files;

namespace Tulu2.Data.Statistics;

/// <summary>Statistics as plain lines of text.</summary>
public static class StatisticsText
{
    private const int BarWidth = 40;

    // As many sources as fit on a screen.
    private const int MostSources = 30;

    public static IReadOnlyList<string> Lines(DataStatistics statistics, ContentStatistics content)
    {
        var report = statistics.Report;
        var lines = new List<string>
        {
            Line($"rows          {report.Used:N0} of {report.Rows:N0}{LeftOut(statistics)}"),
            Line($"tokens        {report.Tokens:N0} in {NumberText.Count(statistics.Sequences, "sequence")}"),
            Line($"loss tokens   {report.LossTokens:N0} ({NumberText.Percent(statistics.LossShare)} of all tokens)"),
            Line($"length        shortest {statistics.Shortest:N0}, median {statistics.Median:N0}, mean {statistics.Mean:N1}, ")
                + Line($"95 % up to {statistics.Percentile95:N0}, longest {statistics.Longest:N0}"),
        };
        if (report.DamagedFiles.Count > 0)
            lines.Insert(0, Line($"damaged files {report.DamagedFiles.Count:N0}: only the whole rows before the damage are counted"));
        foreach (var cut in statistics.Truncations)
        {
            var inForce = cut.Length == statistics.MaxLength ? "  <- max_length" : "";
            var share = NumberText.Percent(Share(cut.Sequences, statistics.Sequences), 2);
            lines.Add(Line($"above {cut.Length,7:N0} {NumberText.Count(cut.Sequences, "sequence")} ({share}){inForce}"));
        }
        lines.AddRange(Content(content));
        lines.Add("");
        lines.AddRange(Sources("dataset", statistics.Datasets, content.Datasets));
        lines.Add("");
        if (content.Files.Count > 1) lines.AddRange([.. Sources("file", statistics.Files, content.Files), ""]);
        lines.AddRange(Histogram(statistics.Histogram));
        return lines;
    }

    /// <summary>One line a bin. The longest bar has 40 characters, that of a non-empty bin at least one.</summary>
    public static IEnumerable<string> Histogram(IReadOnlyList<HistogramBin> bins)
    {
        if (bins.Count == 0) yield break;
        var most = Math.Max(1, bins.Max(bin => bin.Count));
        var width = (bins[^1].To - 1).ToString("N0", CultureInfo.InvariantCulture).Length;
        foreach (var bin in bins)
        {
            var bar = bin.Count == 0 ? 0 : Math.Max(1, (int)Math.Round((double)bin.Count * BarWidth / most));
            var from = bin.From.ToString("N0", CultureInfo.InvariantCulture).PadLeft(width);
            var to = (bin.To - 1).ToString("N0", CultureInfo.InvariantCulture).PadLeft(width);
            yield return Line($"{from} .. {to} |{new string('#', bar).PadRight(BarWidth)}| {bin.Count:N0}");
        }
    }

    private static IEnumerable<string> Content(ContentStatistics content)
    {
        var turns = content.Turns.Bins.Where(bin => bin.Rows > 0).Select(bin => $"{bin.Label}: {NumberText.Percent(Share(bin.Rows, content.Rows))}");
        yield return Line($"turns         mean {content.Turns.Mean:N1}, most {content.Turns.Most:N0}; {string.Join(", ", turns)}");
        yield return Line($"characters    {content.Turns.UserCharacters:N0} in a turn of the user, {content.Turns.AssistantCharacters:N0} in one of the assistant (mean)");
        var duplicates = content.Duplicates;
        yield return Line($"duplicates    {NumberText.Count(duplicates.Rows, "row")} ({NumberText.Percent(Share(duplicates.Rows, content.Rows), 2)}) with the content of an earlier one, ")
            + Line($"{duplicates.Prompts:N0} ({NumberText.Percent(Share(duplicates.Prompts, content.Rows), 2)}) with its first prompt");
        foreach (var (row, first) in duplicates.Examples.Take(3)) yield return $"              {row} repeats {first}";
        var languages = content.Languages;
        var sampled = languages.Sampled == content.Rows ? NumberText.Count(languages.Sampled, "row") : $"{languages.Sampled:N0} rows drawn of {content.Rows:N0}";
        var shares = languages.Languages.Take(8).Select(language => $"{language.Name} {NumberText.Percent(languages.Share(language))}");
        if (languages.Sampled > 0) yield return Line($"languages     estimated from {sampled}: {string.Join(", ", shares)}{(languages.Languages.Count > 8 ? ", ..." : "")}");
    }

    private static IEnumerable<string> Sources(string kind, IReadOnlyList<SourceTokens> sources, IReadOnlyList<SourceContent> contents)
    {
        IReadOnlyList<IReadOnlyList<string>> table = [SourceTable.Header(kind), .. SourceTable.Rows(sources, contents).Take(MostSources)];
        var widths = Enumerable.Range(0, table[0].Count).Select(column => table.Max(row => row[column].Length)).ToArray();
        foreach (var row in table)
            yield return string.Join("  ", row.Select((cell, column) => column == 0 ? cell.PadRight(widths[0]) : cell.PadLeft(widths[column])));
        if (sources.Count > MostSources) yield return $"{NumberText.Count(sources.Count - MostSources, "more source")}; --html FILE and --json show them all";
    }

    private static string LeftOut(DataStatistics statistics)
    {
        var count = statistics.Report.Faults.Count;
        if (count == 0) return "";
        var kinds = statistics.Report.Faults.GroupBy(fault => fault.Kind).OrderBy(kind => kind.Key)
            .Select(kind => Line($"{kind.Count():N0} {Name(kind.Key)}"));
        return Line($" ({count:N0} left out: {string.Join(", ", kinds)})");
    }

    private static string Name(Rows.RowFaultKind kind) => kind switch
    {
        Rows.RowFaultKind.Broken => "broken",
        Rows.RowFaultKind.Dirt => "without a preference",
        _ => "with nothing to learn",
    };

    private static double Share(long part, long whole) => whole == 0 ? 0 : (double)part / whole;

    private static string Line(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
