using Tulu2.Cluster.Ledger;
using Tulu2.Cluster.Messages;
using Tulu2.Cluster.Runs;
using Tulu2.Files;
using Tulu2.Protocol.Events;
using Tulu2.Protocol.Outcomes;
using Tulu2.Protocol.Workers;

namespace Tulu2.Cluster.Hosting;

/// <summary>Runs one training run under the actors of a host.</summary>
public sealed class RunHost(ActorHost host)
{
    /// <summary>
    /// Trains to the end of the plan. Cancelling finishes the running step, writes a checkpoint and completes with <see cref="RunEnd.Cancelled"/>.
    /// Never throws for what happens in the run: see <see cref="RunOutcome.Failure"/>. One run at a time per host.
    /// </summary>
    public async Task<RunOutcome> RunAsync(RunPlan plan, IRunEventSubscriber subscriber, CancellationToken cancellation)
    {
        Check(plan);
        LedgerFile ledger;
        try
        {
            ledger = LedgerFile.Open(Path.Combine(plan.RunDirectory, "ledger"));
        }
        catch (BadInputException bad)
        {
            return FailedBefore(plan, bad);
        }
        try
        {
            if (!IsOf(plan, ledger.State))
                throw new BadInputException(
                    plan.RunDirectory, "was begun with another recipe", "resume with the recipe that began the run, or name another run directory");
            Record(plan, ledger, subscriber);
        }
        catch (Exception fault) when (fault is BadInputException or IOException or UnauthorizedAccessException)
        {
            ledger.Dispose();
            return FailedBefore(plan, fault as BadInputException ?? new BadInputException(
                plan.RunDirectory, $"cannot be written: {FaultText.Of(fault)}", "free space on the disk of the run directory, then resume the run", fault));
        }
        var isOver = plan.Start is RunStart.FromManifest last && plan.IsOver(last.Step, ledger.State);
        // Workers that an earlier process has left would wait, with all their memory, for a rank to play.
        if (isOver && plan.Workers is IDisposable workers) await Task.Run(workers.Dispose, CancellationToken.None).ConfigureAwait(false);
        // What is left of its evaluation needs the actors.
        if (isOver && plan.Start is RunStart.FromManifest start && plan.Evaluation?.HasWork(start.Step) != true)
        {
            // Nothing is left to do; the ledger remembers how it ended.
            var finished = ledger.State.Finished;
            plan.Checkpoints.Sweep();
            ledger.Dispose();
            var hash = finished?.Step == start.Step ? finished.ParametersSha256 : null;
            return new RunOutcome(RunEnd.Completed, start.Step, hash, null, null, start.Path, 0, 0, null);
        }
        var events = Path.Combine(plan.RunDirectory, "events.jsonl");
        try
        {
            host.Events.Attach(events);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            ledger.Dispose();
            return FailedBefore(plan, new BadInputException(
                events, $"cannot be written: {FaultText.Of(fault)}", "choose a run directory that you may write", fault));
        }
        try
        {
            var outcome = new TaskCompletionSource<RunOutcome>(TaskCreationOptions.RunContinuationsAsynchronously);
            host.Coordinator.Tell(new CoordinatorProtocol.StartRun(plan, ledger, subscriber, outcome), Akka.Actor.ActorRefs.NoSender);
            using var scaling = plan.Scaling?.Invoke(data => host.Coordinator.Tell(new RunProtocol.Scale(data), Akka.Actor.ActorRefs.NoSender));
            await using var stop = cancellation.Register(() => host.Coordinator.Tell(RunProtocol.StopRun.Instance, Akka.Actor.ActorRefs.NoSender));
            return await host.UnlessTerminatedAsync(outcome.Task).ConfigureAwait(false);
        }
        catch (RunFailedException givenUp)
        {
            return FailedBefore(plan, givenUp);
        }
        finally
        {
            await host.Events.DetachAsync().ConfigureAwait(false);
        }
    }

    // The ledger may lack changes that the plan has, never the reverse.
    private static bool IsOf(RunPlan plan, LedgerState state)
    {
        if (!state.HasSteps || state.RecipeHash is null) return true;
        if (state.Changes > plan.Changes.Count) return false;
        return state.RecipeHash == (state.Changes > 0 ? plan.Changes[state.Changes - 1].RecipeHash : plan.BegunWith ?? plan.RecipeHash);
    }

    // Steps that only a manifest has, and changes of the recipe that the ledger lacks.
    private static void Record(RunPlan plan, LedgerFile ledger, IRunEventSubscriber subscriber)
    {
        var state = ledger.State;
        var events = new List<LedgerEvent>();
        var start = plan.Start as RunStart.FromManifest;
        if (state.MissingBefore(start?.Step ?? default, start?.Path, ledger.Damaged) is { } lost)
        {
            subscriber.Handle(new RunEvent.HistoryLost(lost.Text));
            events.Add(lost);
        }
        var hash = state.RecipeHash ?? plan.BegunWith ?? plan.RecipeHash;
        foreach (var change in plan.Changes.Skip(state.Changes))
        {
            // The subscriber first: what it discards is discarded again, should the entry never be written.
            subscriber.Handle(new RunEvent.RecipeChanged(change.After, change.Keys, change.RecipeHash != hash));
            events.Add(new LedgerEvent.RecipeChanged(change.After, change.Keys, hash = change.RecipeHash));
        }
        if (events.Count > 0) ledger.Append(events.Select(what => (what, TimeProvider.System.GetUtcNow())));
        // The process that committed them may have been killed before it wrote their lines; workers that live on do not make them again.
        foreach (var (step, made) in ledger.State.Recent)
            if (step > (start?.Step ?? default) && made.Metrics() is { } metrics)
                subscriber.Handle(new RunEvent.StepKnown(step, metrics, made.Seconds) { Skipped = made.Skipped, LeftOut = made.LeftOut?.Count ?? 0 });
        if (plan.Validation is not { Rules: var rules }) return;
        var history = plan.History(ledger.State);
        foreach (var (step, values) in ledger.State.Validations)
            subscriber.Handle(new RunEvent.ValidationKnown(step, [.. values.Select(value => new NamedValue(value.Key, value.Value))], history.At(step, rules)));
    }

    private static void Check(RunPlan plan)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(plan.TotalSteps, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(plan.CheckpointEvery);
        ArgumentOutOfRangeException.ThrowIfLessThan(plan.CheckpointKeep, 1);
    }

    private static RunOutcome FailedBefore(RunPlan plan, Exception cause) => plan.Start is RunStart.FromManifest start
        ? new(RunEnd.Failed, start.Step, null, null, null, start.Path, 0, 0, RunFailure.Of(cause))
        : new(RunEnd.Failed, 0, null, null, null, null, 0, 0, RunFailure.Of(cause));
}
