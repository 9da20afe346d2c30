using Tulu2.Cluster.Runs;
using Tulu2.Protocol.Outcomes;

namespace Tulu2.Runs.Events;

/// <summary>Hands each event of a run to its subscribers, in their order.</summary>
internal sealed class RunEvents(params IReadOnlyList<IRunEventSubscriber> subscribers) : IRunObserver
{
    public void PhaseChanged(RunPhase phase) => Tell(new RunEvent.PhaseChanged(phase));

    public void ReferenceProgress(int done, int total) => Tell(new RunEvent.ReferenceProgressed(done, total));

    public void StepCommitted(CommittedStep step) => Tell(new RunEvent.StepCommitted(step));

    public void CheckpointWritten(int step, string manifestPath, double seconds) => Tell(new RunEvent.CheckpointWritten(step, manifestPath, seconds));

    public void CheckpointFailed(int step, string error) => Tell(new RunEvent.CheckpointFailed(step, error));

    public void RankRestarted(int rank, string reason) => Tell(new RunEvent.RankLost(rank, reason));

    public void WaitingForPlaces(int missing) => Tell(new RunEvent.WaitingForPlaces(missing));

    public void RanksPlaced(string node, IReadOnlyList<int> ranks) => Tell(new RunEvent.RanksPlaced(node, ranks));

    public void HistoryLost(string what) => Tell(new RunEvent.HistoryLost(what));

    public void RecipeChanged(PlannedChange change, bool decidesBits) => Tell(new RunEvent.RecipeChanged(change.After, change.Keys, decidesBits));

    private void Tell(RunEvent what)
    {
        foreach (var subscriber in subscribers) subscriber.Hear(what);
    }
}
