using System.Globalization;
using Tulu2.Data.Rows;
using Tulu2.Data.Statistics;
using Tulu2.Files;

namespace Tulu2.Evaluation.Reporting;

/// <summary>A self-contained page about training data: lengths, sources, truncation, turns, duplicates, languages, and what would be left out.</summary>
public static class DataPage
{
    /// <param name="sets">At least one; several are compared.</param>
    public static string Render(IReadOnlyList<DataPageSet> sets)
    {
        var title = sets.Count == 1 ? $"Training data: {sets[0].Name}" : "Training data compared";
        var rows = sets.Select(set => $"{Html.Escape(sets.Count == 1 ? "" : set.Name + ": ")}{NumberText.Count(set.Tokens.Report.Used, "row")}, {NumberText.Count(set.Tokens.Report.Tokens, "token")}");
        return Html.Page(title, $"<span>{string.Join(";</span> <span>", rows)}</span>", Sections(sets));
    }

    private static IEnumerable<string> Sections(IReadOnlyList<DataPageSet> sets)
    {
        var charts = new DataCharts(sets);
        var note = charts.IsCut ? $"<p class=\"note\">The last bar holds all sequences from {NumberText.Count(charts.End)} tokens on too.</p>\n" : "";
        if (sets.Count > 1) yield return Html.Section("compared-lengths", "Lengths", note, SvgChart.Render(charts.Compared(sets)));
        yield return Html.Section("figures", "In figures", Figures(sets));
        for (var index = 0; index < sets.Count; index++)
        {
            var (set, id, of) = (sets[index], $"set{index + 1}", sets.Count == 1 ? "" : $": {sets[index].Name}");
            yield return Html.Section($"{id}-lengths", $"Lengths by source{of}",
                [note, "<div class=\"charts\">", SvgChart.Render(charts.Whole(set, $"{id}-whole")), .. charts.BySource(set, $"{id}-source").Select(SvgChart.Render), "</div>"]);
            yield return Html.Section($"{id}-sources", $"Sources{of}", Sources(set));
            yield return Html.Section($"{id}-turns", $"Turns{of}", Turns(set));
            yield return Html.Section($"{id}-languages", $"Languages{of}", Languages(set));
            if (set.Content.Duplicates.Rows > 0) yield return Html.Section($"{id}-duplicates", $"Duplicates{of}", Duplicates(set));
            if (set.Tokens.Report.Faults.Count + set.Tokens.Report.DamagedFiles.Count > 0) yield return Html.Section($"{id}-left-out", $"Left out{of}", LeftOut(set));
        }
    }

    private static string Figures(IReadOnlyList<DataPageSet> sets)
    {
        (string Name, Func<DataPageSet, string> Of)[] facts =
        [
            ("rows", set => NumberText.Count(set.Tokens.Report.Used)),
            ("rows left out", set => NumberText.Count(set.Tokens.Report.Faults.Count)),
            ("sequences", set => NumberText.Count(set.Tokens.Sequences)),
            ("tokens", set => NumberText.Count(set.Tokens.Report.Tokens)),
            ("scored tokens", set => $"{NumberText.Count(set.Tokens.Report.LossTokens)} ({NumberText.Percent(set.Tokens.LossShare)})"),
            ("median length", set => NumberText.Count(set.Tokens.Median)),
            ("mean length", set => One(set.Tokens.Mean)),
            ("95 % up to", set => NumberText.Count(set.Tokens.Percentile95)),
            ("longest", set => NumberText.Count(set.Tokens.Longest)),
            .. sets.SelectMany(set => set.Tokens.Truncations.Select(cut => cut.Length)).Distinct().Order().Select(Above),
            ("maximum length", set => NumberText.Count(set.Tokens.MaxLength)),
            ("turns of a row", set => One(set.Content.Turns.Mean)),
            ("rows with the content of an earlier one", set => Counted(set.Content.Duplicates.Rows, set.Content.Rows)),
            ("rows with the first prompt of an earlier one", set => Counted(set.Content.Duplicates.Prompts, set.Content.Rows)),
        ];
        return Html.Table("Lengths are those before truncation", ["", .. sets.Select(set => set.Name)],
            facts.Select(fact => (IReadOnlyList<string>)[fact.Name, .. sets.Select(fact.Of)]), style: sets.Count == 1 ? "facts one" : "facts");

        (string, Func<DataPageSet, string>) Above(int length) => ($"sequences above {NumberText.Count(length)}", set => Counted(LengthsAbove(set.Tokens, length), set.Tokens.Sequences));
    }

    private static IEnumerable<string> Sources(DataPageSet set)
    {
        yield return Html.Table("By dataset. Scored: share of the source's tokens; truncated: rows cut at the maximum length; duplicates: rows with the content of an earlier row of any source",
            SourceTable.Header("Dataset"), SourceTable.Rows(set.Tokens.Datasets, set.Content.Datasets));
        if (set.Content.Files.Count > 1) yield return Html.Table("By file", SourceTable.Header("File"), SourceTable.Rows(set.Tokens.Files, set.Content.Files));
    }

    private static string Turns(DataPageSet set) => Html.Table(
        $"Turns of the user and the assistant: mean {One(set.Content.Turns.Mean)}, most {NumberText.Count(set.Content.Turns.Most)}. A turn of the user has {NumberText.Count(set.Content.Turns.UserCharacters)} characters on average, one of the assistant {NumberText.Count(set.Content.Turns.AssistantCharacters)}",
        ["Turns", "Rows", "Share"],
        set.Content.Turns.Bins.Select(bin => new[] { bin.Label, NumberText.Count(bin.Rows), Share(bin.Rows, set.Content.Rows) }), style: "facts");

    private static string Languages(DataPageSet set) => Html.Table(
        set.Content.Languages.Sampled == set.Content.Rows ? "Estimated from the first question and answer of each row"
            : $"Estimated from the first question and answer of {NumberText.Count(set.Content.Languages.Sampled)} rows, drawn of {NumberText.Count(set.Content.Rows)}",
        ["Language", "Sampled rows", "Share"],
        set.Content.Languages.Languages.Select(language =>
            new[] { language.Name, NumberText.Count(language.Rows), NumberText.Percent(set.Content.Languages.Share(language)) }), style: "facts");

    private static string Duplicates(DataPageSet set) => Html.Table(
        $"{NumberText.Count(set.Content.Duplicates.Rows, "row")} with the content of an earlier one; the first of them", ["Row", "First row with this content"],
        set.Content.Duplicates.Examples.Select(example => new[] { example.Row.ToString(), example.First.ToString() }), int.MaxValue);

    private static string LeftOut(DataPageSet set)
    {
        var report = set.Tokens.Report;
        var faults = report.All.ToList();
        return Html.Table(faults.Count > RowFaultLines.Most ? $"{NumberText.Count(faults.Count)}; the first of them" : "All of them", ["Row", "Why"],
            faults.Take(RowFaultLines.Most).Select(fault => new[] { fault.Location.ToString(), fault.Reason }), int.MaxValue);
    }

    private static int LengthsAbove(DataStatistics statistics, int length) => statistics.Datasets.Sum(source => source.Lengths.Count(one => one > length));

    private static string Counted(long part, long whole) => $"{NumberText.Count(part)} ({Share(part, whole)})";

    private static string Share(long part, long whole) => NumberText.Percent(whole == 0 ? 0 : (double)part / whole, 2);

    private static string One(double value) => value.ToString("N1", CultureInfo.InvariantCulture);
}
