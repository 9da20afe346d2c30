using System.Globalization;
using Tulu2.Cluster.Ledger;
using Tulu2.Evaluation.Reporting;
using Tulu2.Runs.Preparation;

namespace Tulu2.Runs.Reports;

/// <summary>The history of a run for its report, from the ledger. Pure.</summary>
internal static class RunHistory
{
    private const string WithoutAWord = "ended without notice: killed, or its machine was lost";

    /// <summary>Everything that happened besides steps, in order.</summary>
    public static IEnumerable<ReportFailure> Failures(string stage, IReadOnlyList<LedgerEntry> entries)
    {
        for (var i = 0; i < entries.Count; i++)
        {
            var what = entries[i].Event switch
            {
                LedgerEvent.RankFailed failed => $"rank {failed.Rank} failed: {failed.Why}",
                LedgerEvent.GenerationOpened { Generation: > 1 } opened => $"generation {opened.Generation}: {opened.Why}",
                LedgerEvent.RunResumed resumed => $"resumed at step {resumed.Step}, ranks: {resumed.Ranks}",
                LedgerEvent.HistoryLost lost => lost.Text,
                LedgerEvent.RecipeChanged changed => $"changed after step {changed.After}: {string.Join(", ", changed.Keys)}",
                LedgerEvent.RolledBack back => $"rolled back to step {back.To}: {back.Why}",
                LedgerEvent.CheckpointFailed failed => $"no checkpoint of step {failed.Step}: {failed.Why}",
                LedgerEvent.RunFinished { Error: not null } or LedgerEvent.RunFinished { End: Cancelled } => EndOf((LedgerEvent.RunFinished)entries[i].Event),
                _ => null,
            };
            if (entries[i].Event is LedgerEvent.RunResumed && i > 0 && entries[i - 1].Event is not LedgerEvent.RunFinished) yield return At(i - 1, WithoutAWord);
            if (what is not null) yield return At(i, what);
        }

        ReportFailure At(int index, string what) =>
            new(entries[index].Time.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss.fff", CultureInfo.InvariantCulture), $"{stage}: {what}");
    }

    /// <summary>The sessions of the run, in order: each from a start or resume to the last entry before the next one.</summary>
    public static IReadOnlyList<ReportSession> Sessions(IEnumerable<LedgerEntry> entries)
    {
        var sessions = new List<ReportSession>();
        foreach (var entry in entries)
        {
            var begins = entry.Event switch
            {
                LedgerEvent.RunStarted started => new ReportSession(entry.Time, entry.Time, started.Step, started.Step, started.Ranks, "", Host(started.Facts)),
                LedgerEvent.RunResumed resumed => new ReportSession(entry.Time, entry.Time, resumed.Step, resumed.Step, resumed.Ranks, "", Host(resumed.Facts)),
                _ => null,
            };
            if (begins is not null)
            {
                if (sessions is [.., { End: "" } unfinished]) sessions[^1] = unfinished with { End = WithoutAWord };
                sessions.Add(begins);
            }
            else if (sessions is [.., var last])
            {
                sessions[^1] = entry.Event switch
                {
                    LedgerEvent.StepCommitted step => last with { Ended = entry.Time, After = step.Step },
                    LedgerEvent.RunFinished finished => last with { Ended = entry.Time, End = EndOf(finished) },
                    _ => last with { Ended = entry.Time },
                };
            }
        }
        if (sessions is [.., { End: "" } open]) sessions[^1] = open with { End = "no end is recorded: it is running, or was killed" };
        return sessions;
    }

    /// <summary>The facts of the latest session, and the parameter hash at the end of the run.</summary>
    public static IEnumerable<ReportFact> Facts(IReadOnlyList<LedgerEntry> entries)
    {
        var newest = entries.Select(entry => entry.Event switch
        {
            LedgerEvent.RunStarted started => started.Facts,
            LedgerEvent.RunResumed resumed => resumed.Facts,
            _ => null,
        }).LastOrDefault(facts => facts is not null);
        if (newest is not null)
            foreach (var (name, value) in newest)
                if (name != TrainingFacts.Started) yield return new ReportFact(name, value);
        if (entries.Select(entry => entry.Event).OfType<LedgerEvent.RunFinished>().LastOrDefault()?.ParametersSha256 is { } hash)
            yield return new ReportFact("parameters sha256", hash);
    }

    /// <summary>Sums over all committed steps, including replayed ones.</summary>
    public static ReportRankTimes RankTimes(string stage, IEnumerable<LedgerEntry> entries)
    {
        var ranks = new SortedDictionary<int, RankTime>();
        var known = entries.Select(entry => entry.Event).ToList();
        foreach (var committed in known.OfType<LedgerEvent.StepCommitted>())
            foreach (var share in committed.Shares)
            {
                var (sum, times) = (ranks.GetValueOrDefault(share.Rank) ?? new RankTime(share.Rank, 0, 0, 0, 0, 0, 0, 0), share.Times);
                ranks[share.Rank] = new RankTime(share.Rank, sum.Seconds + committed.Seconds, sum.Compute + times.Compute, sum.Batches + times.WaitForData,
                    sum.Bubble + times.WaitForStage, sum.TensorSums + times.TensorSums, sum.Reduction + times.Reduce, sum.Commits + times.WaitForCommit);
            }
        return new ReportRankTimes(stage, [.. ranks.Values]) { CheckpointStall = Stall(known) };
    }

    // Null: there was no checkpoint, or an older version made them all.
    private static ReportStall? Stall(IReadOnlyCollection<LedgerEvent> events)
    {
        var stalls = events.Select(what => what switch
        {
            LedgerEvent.CheckpointWritten written => written.StallSeconds,
            LedgerEvent.CheckpointFailed failed => failed.StallSeconds,
            _ => null,
        }).OfType<double>().ToList();
        return stalls.Count == 0 ? null : new ReportStall(stalls.Count, stalls.Sum(), events.OfType<LedgerEvent.StepCommitted>().Sum(step => step.Seconds));
    }

    private const string Cancelled = "cancelled", Completed = "completed";

    private static string EndOf(LedgerEvent.RunFinished finished) => finished switch
    {
        { Error: { } error } => $"ended: {error}",
        { End: Cancelled } => $"stopped {(finished.StoppedBy is { } signal ? $"by {signal}" : "on request")} after step {finished.Step}",
        { End: Completed } => "done",
        _ => finished.End,
    };

    private static string? Host(IReadOnlyDictionary<string, string>? facts) => facts?.GetValueOrDefault(TrainingFacts.Host);
}
