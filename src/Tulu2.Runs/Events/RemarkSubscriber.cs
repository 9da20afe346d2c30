using Tulu2.Files;
using Tulu2.Protocol.Events;
using Tulu2.Protocol.Outcomes;
using Tulu2.Protocol.Workers;
using Tulu2.Training.Objectives;

namespace Tulu2.Runs.Events;

/// <summary>Tells a person what happens between the steps, a line each.</summary>
internal sealed class RemarkSubscriber(string title, int totalSteps, Action<string> say) : IRunEventSubscriber
{
    // Only while it trains is it certain that training goes on after a checkpoint that failed: a validation may end the run.
    private RunPhase? _phase;

    public void Handle(RunEvent happened)
    {
        if (happened is RunEvent.PhaseChanged { Phase: var phase }) _phase = phase;
        if (Remark(happened) is { } remark) say($"{title}: {remark}");
    }

    private string? Remark(RunEvent happened) => happened switch
    {
        RunEvent.PhaseChanged { Phase: RunPhase.Finishing } => "writing the last checkpoint",
        RunEvent.CheckpointFailed failed =>
            $"the checkpoint of step {failed.Step} could not be written: {failed.Why}{(_phase == RunPhase.Training && failed.Step < totalSteps ? "; training goes on" : "")}",
        RunEvent.StorageFailing failing => $"alarm: {failing.Place} {failing.Text}",
        RunEvent.StorageRecovered recovered => $"{recovered.Place} {recovered.Text}",
        RunEvent.Validated done => Validated(done),
        RunEvent.RankLost lost => $"rank {lost.Rank} was restarted: {lost.Why}",
        RunEvent.RanksPlaced placed => $"ranks {string.Join(", ", placed.Ranks)} are placed on {placed.Node}",
        RunEvent.WaitingForPlaces waiting => $"waiting for nodes with {NumberText.Count(waiting.Missing, "more place")} for ranks",
        RunEvent.EvaluationResumed resumed => $"{resumed.Left:N0} of {NumberText.Count(resumed.Total, "item")} of the evaluation are left to score",
        RunEvent.Evaluated done => $"{done.Benchmark} of step {done.Step}: {done.Text} over {NumberText.Count(done.Items, "item")}{(done.IsBest ? ", the best so far" : "")}",
        RunEvent.EvaluationFailed failed => $"{failed.Benchmark} of step {failed.Step} is not scored: {failed.Why}; --resume tries again",
        RunEvent.EvaluatorLost lost => $"an evaluator was lost, and its items go to another: {lost.Why} ({lost.Evaluator})",
        RunEvent.EvaluationAwaited awaited => $"waiting for {NumberText.Count(awaited.Left, "item")} of the evaluation, with {NumberText.Count(awaited.Evaluators, "evaluator")}"
            + (awaited.Evaluators == 0 ? ": start a node with the role evaluator, or stop the run, which leaves them to --resume" : ""),
        RunEvent.Warned warned => $"warning: {warned.Text}",
        RunEvent.HistoryLost lost => $"ledger: {lost.Text}",
        _ => null,
    };

    private static string Validated(RunEvent.Validated done)
    {
        var values = string.Join(", ", done.Values.Where(IsShown).Select(value => $"{value.Name.Replace("rewards_", "")} {NumberText.Loss(value.Value)}"));
        var best = done.Verdict switch
        {
            { Stops: true, Best: { } step } => $"; no better than step {step} for too long: the run ends",
            { IsBest: true } => ", the best so far",
            { Best: { } step } => $"; the best is that of step {step}",
            _ => "",
        };
        return $"validation after step {done.Step}: {values}{best}";

        static bool IsShown(NamedValue value) => value.Name == ValidationMetrics.Loss || ObjectiveCatalog.Metric(value.Name).HigherIsBetter is not null;
    }
}
