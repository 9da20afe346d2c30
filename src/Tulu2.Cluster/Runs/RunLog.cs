using Tulu2.Files;
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
}
