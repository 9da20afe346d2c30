using System.Globalization;
using Tulu2.Files;
using Tulu2.Protocol.Accounts;

namespace Tulu2.Evaluation.Reporting;

/// <summary>The report's section on goodput: a bar of the classes of time, the same per rank in a table, and the recoveries.</summary>
internal static class GoodputSection
{
    // As many as a reader looks at; the ledger has all.
    private const int MostRows = 40;

    public const string Css = """
        .bar { display: flex; height: 22px; border-radius: 5px; overflow: hidden; margin: 4px 0 8px; background: var(--line); }
        .bar span { flex: 0 0 auto; min-width: 0; } .bar.thin { height: 14px; }
        .times .key { margin: 0 14px 0 0; } .times .key::before { height: 10px; width: 10px; } .times { margin: 0 0 14px; color: var(--soft); font-size: .875rem; }
        .part0 { --key: var(--series3); } .part1 { --key: var(--bad); } .part2 { --key: var(--series2); } .part3 { --key: var(--series4); }
        .part4 { --key: var(--series1); } .part5 { --key: var(--soft); } .part6 { --key: var(--line); } .bar span { background: var(--key); } .bar .part5 { opacity: .55; }
        .times .part5::before { opacity: .55; }

        """;

    private static readonly string[] PartNames = ["detect", "start", "decide", "rejoin", "transfer"];

    // Colours of the parts of a recovery: detect and the transfer of the state have those of their classes.
    private static readonly int[] PartColors = [2, 0, 5, 4, 3];

    public static string Of(IReadOnlyList<ReportGoodput> stages) => Html.Section("goodput", "Goodput", stages.SelectMany(Stage));

    private static IEnumerable<string> Stage(ReportGoodput stage)
    {
        var sum = stage.Sum;
        var shares = sum.PerMille();
        yield return $"<p>{Html.Escape($"{stage.Stage}: {Share(shares[0])} of the ranks' time, {NumberText.Duration(sum.Total / 1e6)} in all, was useful.")}</p>\n";
        yield return Bar([.. shares.Select((share, index) => (share / 10.0, index))], thin: false);
        yield return Legend(ClassTimes.Names.Select((name, index) => ($"{name} {Share(shares[index])}", index)));
        yield return Html.Table($"{stage.Stage}: every moment of a rank is in one class (docs/goodput.md)", ["", .. ClassTimes.Names, "Time"],
            stage.Ranks.Select((rank, index) => (Rank: rank, Index: index)).Where(rank => rank.Rank.Total > 0).Take(MostRows)
                .Select(rank => (IReadOnlyList<string>)[$"rank {rank.Index}", .. rank.Rank.PerMille().Select(Share), NumberText.Duration(rank.Rank.Total / 1e6)]));
        if (stage.Recoveries.Count > 0) foreach (var part in Recoveries(stage)) yield return part;
    }

    private static IEnumerable<string> Recoveries(ReportGoodput stage)
    {
        var sorted = stage.Recoveries.Select(recovery => recovery.Total).Order().ToList();
        var worst = sorted[^1];
        yield return $"<h3>{Html.Escape($"{stage.Stage}: {NumberText.Count(sorted.Count, "recovery", "recoveries")}, {Ms(sorted[(sorted.Count - 1) / 2])} ms in the median, {Ms(worst)} ms at worst")}</h3>\n";
        foreach (var recovery in stage.Recoveries.OrderByDescending(recovery => recovery.Total).Take(MostRows / 4))
            yield return Bar([.. Parts(recovery).Select((part, index) => (worst > 0 ? 100 * part / worst : 0, PartColors[index]))], thin: true);
        yield return Legend(PartNames.Select((name, index) => (name, PartColors[index])));
        yield return Html.Table(
            $"From the end of a worker to its next work, in milliseconds; the bars are the {Math.Min(MostRows / 4, sorted.Count)} longest"
                + (sorted.Count > MostRows ? $", the table has the first {MostRows}, the ledger all" : ""),
            ["Lost", "Step", .. PartNames, "Sum", "To the commit", "Computed again"],
            stage.Recoveries.Take(MostRows).Select(recovery => (IReadOnlyList<string>)
                [recovery.What, recovery.Step > 0 ? $"{recovery.Step}" : "–", .. Parts(recovery).Select(Ms), Ms(recovery.Total), Ms(recovery.Commit), Ms(recovery.Redone)]));
    }

    private static double[] Parts(ReportRecovery recovery) => [recovery.Detect, recovery.Start, recovery.Decide, recovery.Rejoin, recovery.Transfer];

    // A picture of figures that stand beside it as text.
    private static string Bar(IReadOnlyList<(double Percent, int Part)> parts, bool thin) =>
        $"<div class=\"bar{(thin ? " thin" : "")}\" aria-hidden=\"true\">"
        + string.Concat(parts.Where(part => part.Percent > 0).Select(part =>
            string.Create(CultureInfo.InvariantCulture, $"<span class=\"part{part.Part}\" style=\"width:{part.Percent:0.###}%\"></span>")))
        + "</div>\n";

    private static string Legend(IEnumerable<(string Text, int Part)> parts) =>
        $"<p class=\"times\">{string.Concat(parts.Select(part => $"<span class=\"key part{part.Part}\">{Html.Escape(part.Text)}</span>"))}</p>\n";

    private static string Share(int perMille) => $"{perMille / 10}.{perMille % 10} %";

    private static string Ms(double ms) => NumberText.Count(ms);
}
