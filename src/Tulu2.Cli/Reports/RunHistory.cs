using System.Globalization;
using Tulu2.Cluster.Ledger;
using Tulu2.Evaluation.Reporting;

namespace Tulu2.Cli.Reports;

/// <summary>What a run's ledger tells a report. Pure.</summary>
internal static class RunHistory
{
    /// <summary>All that was not a step on the way, in order.</summary>
    public static IEnumerable<ReportFailure> Failures(string stage, IEnumerable<LedgerEntry> entries) =>
        from entry in entries
        let what = entry.Event switch
        {
            LedgerEvent.RankFailed failed => $"rank {failed.Rank} failed: {failed.Why}",
            LedgerEvent.GenerationOpened { Generation: > 1 } opened => $"generation {opened.Generation}: {opened.Why}",
            LedgerEvent.RunResumed resumed => $"resumed at step {resumed.Step}, ranks: {resumed.Ranks}",
            LedgerEvent.CheckpointFailed failed => $"no checkpoint of step {failed.Step}: {failed.Why}",
            LedgerEvent.RunFinished { Error: { } error } => $"ended: {error}",
            _ => null,
        }
        where what is not null
        select new ReportFailure(entry.Time.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss.fff", CultureInfo.InvariantCulture), $"{stage}: {what}");

    /// <summary>Over all committed steps, replayed ones included.</summary>
    public static ReportRankTimes RankTimes(string stage, IEnumerable<LedgerEntry> entries)
    {
        var ranks = new SortedDictionary<int, RankTime>();
        foreach (var committed in entries.Select(entry => entry.Event).OfType<LedgerEvent.StepCommitted>())
            foreach (var share in committed.Shares)
            {
                var (sum, times) = (ranks.GetValueOrDefault(share.Rank) ?? new RankTime(share.Rank, 0, 0, 0, 0, 0, 0, 0), share.Times);
                ranks[share.Rank] = new RankTime(share.Rank, sum.Seconds + committed.Seconds, sum.Compute + times.Compute, sum.Batches + times.WaitForData,
                    sum.Stages + times.WaitForStage, sum.TensorSums + times.TensorSums, sum.Reduction + times.Reduce, sum.Commits + times.WaitForCommit);
            }
        return new ReportRankTimes(stage, [.. ranks.Values]);
    }
}
