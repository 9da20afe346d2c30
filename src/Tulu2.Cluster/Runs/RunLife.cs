using Akka.Actor;
using Tulu2.Cluster.Checkpointing;
using Tulu2.Cluster.GradientSync;
using Tulu2.Cluster.Hosting;
using Tulu2.Cluster.Ledger;
using Tulu2.Cluster.Nodes;
using Tulu2.Cluster.Submissions;
using Tulu2.Files;
using Tulu2.Protocol.GradientSync;
using Tulu2.Protocol.Outcomes;

namespace Tulu2.Cluster.Runs;

/// <summary>
/// The life of one run: starts what it needs, tells its observer and its record what happens, and ends it in order. Its name is the run's own, and so no actor of a
/// run has the path of another run's.
/// </summary>
internal sealed class RunLife(RunProtocol.StartRun start, IActorRef node) : UntypedActor
{
    private RunInHand? _run;

    // One of these that throws can neither be trusted nor begin again without its state: the run ends with the cause, in order, for which they go on.
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(cause =>
    {
        Self.Tell(new RunProtocol.Fatal(RunFailure.Of(cause)));
        return Directive.Resume;
    });

    /// <summary>Of a run that is about to begin.</summary>
    public static string NewName() => $"run-{Guid.NewGuid():N}";

    protected override void PreStart()
    {
        try
        {
            Start();
        }
        catch (Exception fault)
        {
            start.Ledger.Dispose();
            start.Outcome.TrySetException(fault);
            Context.Stop(Self);
        }
    }

    // Now nothing of it is left: the next one may begin.
    protected override void PostStop()
    {
        Context.Parent.Tell(new RunProtocol.RunOver(_run?.Progress(isOver: true)));
        if (_run is { IsEnding: true } run) run.Complete();
    }

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case RunProtocol.StopRun:
                _run?.Sync.Tell(message);
                break;
            case RunProtocol.TellProgress tell:
                tell.To.Forward(new SubmittedRuns.Describe(_run?.Progress(isOver: false)));
                break;
            case RunProtocol.Happened happened:
                Record(happened.Effect);
                break;
            case RunProtocol.ReferenceProgress progress:
                _run?.Observe(observer => observer.ReferenceProgress(progress.Done, progress.Total));
                break;
            case RunProtocol.CheckpointWritten written:
                _run?.Written(written);
                _run?.Ledger.Tell(new LedgerProtocol.Append(new LedgerEvent.CheckpointWritten(written.Step, written.Path)));
                _run?.Ledger.Tell(new LedgerProtocol.Append(new LedgerEvent.CheckpointsPruned(_run.Plan.CheckpointKeep)));
                Log("info", $"checkpoint of step {written.Step} written: {written.Path}");
                break;
            case RunProtocol.CheckpointFailed failed:
                _run?.Observe(observer => observer.CheckpointFailed(failed.Step, failed.Error));
                _run?.Ledger.Tell(new LedgerProtocol.Append(new LedgerEvent.CheckpointFailed(failed.Step, failed.Error)));
                Log("warning", $"checkpoint of step {failed.Step} failed: {failed.Error}");
                break;
            case RunProtocol.Fatal fatal:
                Log("error", $"{fatal.Failure.Error}\n{fatal.Failure.Detail}");
                End(run => run.Failed(fatal.Failure));
                break;
            case RunProtocol.WaitingForPlaces waiting:
                if (_run is { } lacking) lacking.Missing = waiting.Missing;
                _run?.Observe(observer => observer.WaitingForPlaces(waiting.Missing));
                Log("info", $"waiting for {NumberText.Count(waiting.Missing, "more place")} on nodes");
                break;
            case RunProtocol.Placed placed:
                if (_run is { } housed) housed.Missing = 0;
                _run?.Observe(observer => observer.RanksPlaced(placed.Node, placed.Ranks));
                Log("info", $"ranks {string.Join(", ", placed.Ranks)} are placed on {placed.Node}");
                break;
            case RunProtocol.RanksStopped:
                _run?.Checkpoints.Tell(CheckpointProtocol.Close.Instance);
                break;
            case CheckpointProtocol.Closed:
                CloseLedger();
                break;
            case LedgerProtocol.Closed:
                Context.Stop(Self);
                break;
        }
    }

    private void Start()
    {
        var (plan, known) = (start.Plan, start.Ledger.State);
        var slots = plan.Batches.SlotsPerStep;
        var manifest = plan.Start is RunStart.FromManifest from ? new KnownManifest(from.Path, from.Step) : null;
        var reference = plan.Reference is { } pass && !Enumerable.Range(0, pass.Chunks).All(pass.IsDone) ? pass : null;
        // Steps that an earlier life committed after the checkpoint are made again, and must come out the same: known.Hashes.
        var state = GradientSyncState.Of(
            new SyncRules(plan.Layout, slots, plan.TotalSteps, plan.CheckpointEvery),
            new SyncStart(known.Generation, manifest, known.Hashes, reference is not null), plan.Lease);

        var ledger = Context.ActorOf(Props.Create(() => new RunLedger(start.Ledger, TimeProvider.System)), "ledger");
        var setup = new CheckpointSetup(plan.Layout.Size, plan.CheckpointKeep, plan.RecipeHash, plan.VirtualShards, plan.Facts, plan.Checkpoints, plan.RecipeText);
        var checkpoints = Context.ActorOf(Props.Create(() => new CheckpointCoordinator(setup, ledger)), "checkpoints");
        var sync = Context.ActorOf(Props.Create(() => new GradientSyncSupervisor(state, plan.Layout, ledger, checkpoints, reference)), GradientSyncSupervisor.Name);
        var self = Self;
        var ranks = plan.ClusterKey is { } key
            ? Context.ActorOf(Props.Create(() => new Placement(
                new NodeRun(plan.RunDirectory, plan.RecipeHash, plan.Layout, plan.TotalSteps, plan.RestartsPerMinute, plan.Prefetch, key), sync)), Placement.Name)
            : node;
        _run = new RunInHand(plan, start.Observer, start.Outcome, ranks, sync, checkpoints, ledger, fault => self.Tell(new RunProtocol.Fatal(RunFailure.Of(fault))));
        var step = manifest?.Step ?? 0;
        ledger.Tell(new LedgerProtocol.Append(known.HasSteps || manifest is not null
            ? new LedgerEvent.RunResumed(plan.RecipeHash, plan.VirtualShards, plan.Layout.Size, slots, plan.TotalSteps, step, manifest?.Path) { Facts = plan.Facts }
            : new LedgerEvent.RunStarted(plan.RecipeHash, plan.VirtualShards, plan.Layout.Size, slots, plan.TotalSteps, step) { Facts = plan.Facts }));
        Log("info", manifest is null
            ? $"run of {NumberText.Count(plan.TotalSteps, "step")} on {NumberText.Count(plan.Layout.Size, "rank")}"
            : $"run goes on after step {step} on {NumberText.Count(plan.Layout.Size, "rank")}, from {manifest.Path}");
        _run.Observe(observer => observer.PhaseChanged(RunPhase.Starting));
        if (plan.ClusterKey is not null) return;
        node.Tell(new RunProtocol.StartRanks(
            new NodePlan(plan.Layout, plan.Workers!, plan.Batches, plan.Reference, plan.TotalSteps, plan.RestartsPerMinute, plan.Prefetch), sync, checkpoints));
    }

    private void Record(SyncEffect effect)
    {
        if (_run is not { } run) return;
        switch (effect)
        {
            case SyncEffect.PhaseChanged phase:
                run.Enter(phase.Phase);
                break;
            case SyncEffect.Committed committed:
                run.Committed(committed.Step);
                break;
            case SyncEffect.GenerationOpened opened:
                run.Generation = opened.Generation;
                Log("info", $"generation {opened.Generation}: {opened.Why}");
                break;
            case SyncEffect.RankOut lost:
                run.Ledger.Tell(new LedgerProtocol.Append(new LedgerEvent.RankFailed(lost.Rank, lost.Why)));
                run.Observe(observer => observer.RankRestarted(lost.Rank, lost.Why));
                Log("warning", $"rank {lost.Rank} was lost: {lost.Why}");
                break;
            case SyncEffect.Failed failed:
                Log("error", failed.Failure.Error);
                End(r => r.Failed(failed.Failure));
                break;
            case SyncEffect.Finished finished:
                End(r => r.Finished(finished));
                break;
        }
    }

    // The first end counts; what comes after it is the noise of ending.
    private void End(Action<RunInHand> how)
    {
        if (_run is not { IsEnding: false } run) return;
        how(run);
        run.Sync.Tell(RunProtocol.Halt.Instance);
        run.Ranks.Tell(RunProtocol.StopRanks.Instance);
    }

    private void CloseLedger()
    {
        if (_run is not { Outcome: { } outcome } run) return;
        run.Ledger.Tell(new LedgerProtocol.Append(new LedgerEvent.RunFinished(
            outcome.Steps, outcome.End.ToString().ToLowerInvariant(), outcome.ParametersSha256, outcome.Failure?.Error)
        {
            StoppedBy = outcome.End == RunEnd.Cancelled ? run.Plan.StoppedBy?.Invoke() : null,
        }));
        run.Ledger.Tell(LedgerProtocol.Close.Instance);
        Log("info", $"run {outcome.End.ToString().ToLowerInvariant()} after step {outcome.Steps}");
    }

    private void Log(string level, string text) => EventFile.For(Context.System).Write(level, Self.Path.ToStringWithoutAddress(), text);
}
