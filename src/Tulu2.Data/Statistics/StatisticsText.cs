using System.Globalization;
using Tulu2.Files;

namespace Tulu2.Data.Statistics;

/// <summary>Statistics as plain lines of text.</summary>
public static class StatisticsText
{
    private const int BarWidth = 40;

    public static IReadOnlyList<string> Lines(DataStatistics statistics)
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
        lines.Add("");
        lines.AddRange(Datasets(statistics));
        lines.Add("");
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

    private static IEnumerable<string> Datasets(DataStatistics statistics)
    {
        var width = Math.Max("dataset".Length, statistics.Datasets.Select(dataset => dataset.Name.Length).DefaultIfEmpty(0).Max());
        yield return Line($"{"dataset".PadRight(width)} {"rows",10} {"tokens",14} {"loss tokens",14}");
        foreach (var dataset in statistics.Datasets)
            yield return Line($"{dataset.Name.PadRight(width)} {dataset.Rows,10:N0} {dataset.Tokens,14:N0} {dataset.LossTokens,14:N0}");
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
