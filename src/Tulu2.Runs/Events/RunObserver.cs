using Tulu2.Cluster.Runs;
using Tulu2.Evaluation.Reporting;
using Tulu2.Files;
using Tulu2.Protocol.Outcomes;
using Tulu2.Runs.Output;
using Tulu2.Runs.RunFiles;

namespace Tulu2.Runs.Events;

/// <summary>Writes a run's metrics down as its steps commit, and shows how far it is.</summary>
internal sealed class RunObserver(
    string title, RunDirectory directory, RunStart start, int totalSteps, MetricsLog metrics, TensorBoardWriter board, Action<ProgressSnapshot> report, Action<string> say) : IRunObserver
{
    public void PhaseChanged(RunPhase phase)
    {
        if (phase == RunPhase.Finishing) say($"{title}: writing the last checkpoint");
    }

    public void ReferenceProgress(int done, int total) => report(new ProgressSnapshot(done, total) { Phase = $"{title} reference" });

    public void StepCommitted(CommittedStep step)
    {
        directory.CheckPresent();
        var record = MetricsLog.Record(step.Step, step.Metrics, step.Seconds);
        var isNew = metrics.Lines.Count == 0 || step.Step > metrics.Lines.Last().Step;
        if (!metrics.Append(record))
            throw new InvalidOperationException(
                $"step {step.Step} was replayed and came to other figures than metrics.jsonl has; was the run moved to another processor or libtorch build?");
        if (isNew) board.Step(record);
        report(new ProgressSnapshot(step.Step, totalSteps, step.Metrics.Loss, step.TokensPerSecond) { Phase = title });
    }

    public void CheckpointWritten(int step, string manifestPath, double seconds) { }

    public void CheckpointFailed(int step, string error) =>
        say($"{title}: the checkpoint of step {step} could not be written: {error}{(step < totalSteps ? "; training goes on" : "")}");

    public void WaitingForPlaces(int missing) => say($"{title}: waiting for nodes with {NumberText.Count(missing, "more place")} for ranks");

    public void RanksPlaced(string node, IReadOnlyList<int> ranks) => say($"{title}: ranks {string.Join(", ", ranks)} are placed on {node}");

    public void HistoryLost(string what) => say($"{title}: ledger: {what}");

    // Steps that the checkpoint has are made already, by whatever recipe they were due.
    public void RecipeChanged(PlannedChange change, bool decidesBits)
    {
        if (!decidesBits) return;
        var kept = Math.Max(change.After, start is RunStart.FromManifest manifest ? manifest.Step : 0);
        if (metrics.CutAfter(kept) is > 0 and var cut) say($"{title}: {cut} steps after step {kept} are made again by the changed recipe; what they were is in the ledger");
    }

    public void RankRestarted(int rank, string reason) => say($"{title}: rank {rank} was restarted: {reason}");
}
