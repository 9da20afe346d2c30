using Tulu2.Cluster.Ledger;
using Tulu2.Evaluation.Reporting;
using Tulu2.Files;
using Tulu2.Protocol.Accounts;

namespace Tulu2.Runs.Reports;

/// <summary>Where a run's time went, for people and for programs (docs/goodput.md).</summary>
internal static class GoodputText
{
    /// <summary>A line each: <c>goodput</c>, <c>time</c>, <c>recoveries</c>. None where the ledger is of an older version, or nothing has happened yet.</summary>
    public static IEnumerable<string> Lines(RunTimes run)
    {
        var sum = run.Times.Sum;
        if (sum.Goodput is null) yield break;
        yield return $"goodput     {Share(sum.PerMille()[0])} of {Span(sum)}";
        yield return $"time        {Shares(sum)}";
        if (run.Recoveries.Count == 0) yield break;
        var (median, worst) = Extremes(run.Recoveries);
        yield return run.Recoveries.Count == 1
            ? $"recoveries  1: {Parts(worst)}"
            : $"recoveries  {NumberText.Count(run.Recoveries.Count)}: median {Parts(median)}; worst {Parts(worst)}";
    }

    /// <summary>A sum of whole tenths of a percent: 100.0.</summary>
    public static string Shares(ClassTimes times) => string.Join(", ", ClassTimes.Names.Zip(times.PerMille(), (name, share) => $"{name} {Share(share)}"));

    /// <summary>What <c>--json</c> prints; null where nothing is known.</summary>
    public static object? Json(RunTimes run)
    {
        var sum = run.Times.Sum;
        if (sum.Goodput is null) return null;
        var (median, worst) = run.Recoveries.Count == 0 ? (null, null) : Extremes(run.Recoveries);
        return new
        {
            Goodput = sum.Goodput,
            ElapsedSeconds = run.Times.Elapsed / 1e6,
            RankSeconds = sum.Total / 1e6,
            Percent = ByName(sum.PerMille().Select(share => share / 10.0)),
            Seconds = ByName(sum.ByClass.Select(time => time / 1e6)),
            Recoveries = run.Recoveries.Count,
            MedianRecovery = median is null ? null : Figures(median),
            WorstRecovery = worst is null ? null : Figures(worst),
        };
    }

    /// <summary>The report's part; null where nothing is known.</summary>
    public static ReportGoodput? Report(string stage, RunTimes run) => run.Times.Sum.Goodput is null ? null : new ReportGoodput(
        stage, run.Times.Ranks, [.. run.Recoveries.Select(recovery => new ReportRecovery(
            recovery.Rank is { } rank ? $"rank {rank}" : "the coordinator", recovery.Step, recovery.Detect, recovery.Start, recovery.Decide, recovery.Rejoin,
            recovery.Transfer, recovery.Commit, recovery.Redone))]);

    private static Dictionary<string, T> ByName<T>(IEnumerable<T> values) =>
        ClassTimes.Names.Zip(values).ToDictionary(pair => pair.First.Replace(' ', '_'), pair => pair.Second);

    private static string Share(int perMille) => $"{perMille / 10}.{perMille % 10} %";

    private static string Span(ClassTimes sum) => $"{NumberText.Duration(sum.Total / 1e6)} of its ranks";

    private static string Parts(LedgerEvent.Recovered recovery) =>
        $"{Ms(recovery.Total)} ms (detect {Ms(recovery.Detect)}, start {Ms(recovery.Start)}, decide {Ms(recovery.Decide)}, rejoin {Ms(recovery.Rejoin)}, transfer {Ms(recovery.Transfer)})";

    private static object Figures(LedgerEvent.Recovered recovery) => new
    {
        recovery.Rank,
        recovery.Step,
        Ms = recovery.Total,
        recovery.Detect,
        recovery.Start,
        recovery.Decide,
        recovery.Rejoin,
        recovery.Transfer,
        recovery.Commit,
        recovery.Redone,
    };

    private static string Ms(double ms) => NumberText.Count(ms);

    private static (LedgerEvent.Recovered Median, LedgerEvent.Recovered Worst) Extremes(IReadOnlyList<LedgerEvent.Recovered> recoveries)
    {
        var sorted = recoveries.OrderBy(recovery => recovery.Total).ToList();
        return (sorted[(sorted.Count - 1) / 2], sorted[^1]);
    }
}
