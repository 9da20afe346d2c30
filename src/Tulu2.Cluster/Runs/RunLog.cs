using Tulu2.Files;
using Tulu2.Protocol.Accounts;
using Tulu2.Protocol.Events;

namespace Tulu2.Cluster.Runs;

/// <summary>The lines of <c>events.jsonl</c> about the events of a run.</summary>
internal static class RunLog
{
    /// <summary>Null: the event has no line.</summary>
    public static (string Level, string Text)? LineOf(RunEvent happened) => happened switch
    {
        RunEvent.Started { Manifest: null } run =>
            ("info", $"run of {NumberText.Count(run.TotalSteps, "step")} on {NumberText.Count(run.Ranks, "rank")}"),
        RunEvent.Started run => ("info", $"run goes on after step {run.Step} on {NumberText.Count(run.Ranks, "rank")}, from {run.Manifest}"),
        RunEvent.WaitingForPlaces waiting => ("info", $"waiting for {NumberText.Count(waiting.Missing, "more place")} on nodes"),
        RunEvent.RanksPlaced placed => ("info", $"ranks {string.Join(", ", placed.Ranks)} are placed on {placed.Node}"),
        RunEvent.GenerationOpened opened => ("info", $"generation {opened.Generation} of {NumberText.Count(opened.Ranks, "rank")}: {opened.Why}"),
        RunEvent.Validated done => ("info", $"validation of step {done.Step}: {string.Join(", ", done.Values.Select(value => $"{value.Name} {value.Value:R}"))}{(done.Verdict.IsBest ? ", the best so far" : "")}"),
        RunEvent.RankLost lost => ("warning", $"rank {lost.Rank} was lost: {lost.Why}"),
        RunEvent.Recovered { Recovery: var recovery } => ("info", RecoveryText(recovery)),
        RunEvent.CheckpointWritten written => ("info", $"checkpoint of step {written.Step} written: {written.Manifest}"),
        RunEvent.CheckpointFailed failed => ("warning", $"checkpoint of step {failed.Step} failed: {failed.Why}"),
        RunEvent.CheckpointMirrored copied =>
            ("info", $"checkpoint of step {copied.Step} copied to {copied.Directory}: {NumberText.Count(copied.Bytes, "byte")} in {NumberText.Duration(copied.Seconds)}"),
        RunEvent.StorageFailing failing => ("warning", $"alarm: {failing.Place} {failing.Text}"),
        RunEvent.StorageRecovered recovered => ("info", $"{recovered.Place} {recovered.Text}"),
        RunEvent.EvaluationDue due =>
            ("info", $"the checkpoint of step {due.Step} is to be scored on {string.Join(", ", due.Benchmarks)}: {NumberText.Count(due.Items, "item")}"),
        RunEvent.EvaluationResumed resumed => ("info", $"{resumed.Left} of {NumberText.Count(resumed.Total, "item")} of the evaluation are left to score"),
        RunEvent.Evaluated done =>
            ("info", $"{done.Benchmark} of step {done.Step}: {done.Text} over {NumberText.Count(done.Items, "item")}{(done.IsBest ? ", the best so far" : "")}"),
        RunEvent.EvaluationFailed failed => ("warning", $"{failed.Benchmark} of step {failed.Step} is not scored: {failed.Why}"),
        RunEvent.EvaluatorLost lost => ("warning", $"evaluator {lost.Evaluator} was lost: {lost.Why}"),
        RunEvent.Warned warned => ("warning", warned.Text),
        RunEvent.Finished run => ("info", $"run {run.End.ToString().ToLowerInvariant()} after step {run.Step}"),
        _ => null,
    };

    private static string RecoveryText(Recovery recovery)
    {
        static string Ms(long micros) => NumberText.Fixed(micros / 1000.0, 1);
        var who = recovery.Rank is { } rank ? $"rank {rank}" : "the coordinator";
        var next = recovery.Commit == 0 ? "" : $"; step {recovery.Commit} was committed {Ms(recovery.Step)} ms later, {Ms(recovery.Redone)} of them for slots computed again";
        return $"the run went on {Ms(recovery.Total)} ms after the end of {who}: detect {Ms(recovery.Detect)}, start {Ms(recovery.Start)}, decide {Ms(recovery.Decide)}, "
            + $"rejoin {Ms(recovery.Rejoin)}, transfer {Ms(recovery.Transfer)}{next}";
    }
}
