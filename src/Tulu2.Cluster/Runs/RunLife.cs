using System.Diagnostics;
using Akka.Actor;
using Tulu2.Cluster.Checkpointing;
using Tulu2.Cluster.Evaluations;
using Tulu2.Cluster.GradientSync;
using Tulu2.Cluster.Ledger;
using Tulu2.Cluster.Logging;
using Tulu2.Cluster.Messages;
using Tulu2.Cluster.Nodes;
using Tulu2.Cluster.Submissions;
using Tulu2.Protocol.Accounts;
using Tulu2.Protocol.Events;
using Tulu2.Protocol.GradientSync;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Outcomes;

namespace Tulu2.Cluster.Runs;

/// <summary>
/// The life of one run: starts its actors, passes its events to log and subscriber, and ends it in order. Its name is unique to the run, so that no actor of a
/// run has the path of another run's.
/// </summary>
internal sealed class RunLife(CoordinatorProtocol.StartRun start, IActorRef node) : UntypedActor
{
    private readonly RunPlan _plan = start.Plan;
    private RunState _state = RunState.Of(start.Plan.Start);
    private SubscriberThread? _subscriber;   // null: the run could not be started
    private RunOutcome? _outcome;            // null until the end is decided

    // The node agent that has the ranks, or the placement that distributes them.
    private IActorRef _ranks = ActorRefs.Nobody;
    private IActorRef _sync = ActorRefs.Nobody;
    private IActorRef _checkpoints = ActorRefs.Nobody;
    private IActorRef _ledger = ActorRefs.Nobody;
    private IActorRef? _pool;   // null: the run's checkpoints are not scored
    private bool _isStopped, _isFinishingEvaluation;

    /// <summary>A name for a run that is about to start.</summary>
    public static string NewName() => $"run-{Guid.NewGuid():N}";

    // A child that throws cannot be restarted without its state: the run ends with the cause, in order, for which the children continue.
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(cause =>
    {
        Self.Tell(new RunProtocol.Fatal(RunFailure.Of(cause)));
        return Directive.Resume;
    });

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

    // Nothing of the run is left: the next one may start.
    protected override void PostStop()
    {
        Context.Parent.Tell(new CoordinatorProtocol.RunOver(_subscriber is null ? null : _state.Progress(_plan, isOver: true)));
        // A subscriber may fail on the last events, when the run is over: what it was to write is missing nevertheless.
        if (_outcome is { } outcome)
            _subscriber?.Complete(fault => start.Outcome.TrySetResult(
                fault is null || outcome.End == RunEnd.Failed ? outcome : outcome with { End = RunEnd.Failed, Failure = RunFailure.Of(fault) }));
    }

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case RunProtocol.StopRun:
                _sync.Tell(message);
                // What is left of the evaluation is done when the run is resumed.
                _isStopped = true;
                if (_isFinishingEvaluation) _pool!.Tell(EvaluationControl.ClosePool.Instance);
                break;
            case RunProtocol.Scale:
                _sync.Tell(message);
                break;
            case RunProtocol.Resize or RunProtocol.RanksReleased:
                _ranks.Tell(message);
                break;
            case EvaluationProtocol.IFromEvaluator said:
                if (_pool is not null) _pool.Forward(message);
                else if (said is EvaluationProtocol.IReport) Sender.Tell(new EvaluationProtocol.Taken(said.Number));
                break;
            case CoordinatorProtocol.TellProgress tell:
                tell.To.Forward(new SubmittedRuns.Describe(_state.Progress(_plan, isOver: false)));
                break;
            case RunProtocol.Happened { Event: var happened }:
                Handle(happened);
                break;
            case RunProtocol.Fatal { Failure: var failure }:
                Log("error", failure.Detail.Length > 0 ? $"{failure.Error}\n{failure.Detail}" : failure.Error);
                End(_state.Failed(failure));
                break;
            case RunProtocol.Ended { Finished: var end }:
                End(_state.Ended(end.Cancelled ? RunEnd.Cancelled : RunEnd.Completed, end.Step, end.ParametersSha256, end.ManifestPath));
                break;
            case RunProtocol.RanksStopped:
                if (_pool is null) _checkpoints.Tell(CheckpointProtocol.Close.Instance);
                else FinishEvaluation(_pool);
                break;
            case EvaluationControl.PoolClosed:
                _checkpoints.Tell(CheckpointProtocol.Close.Instance);
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
        var known = start.Ledger.State;
        var isOver = _plan.Start is RunStart.FromManifest last && _plan.IsOver(last.Step, known);
        var manifest = _plan.Start is RunStart.FromManifest from ? new KnownManifest(from.Path, from.Step) : null;
        var reference = _plan.Reference is { } pass && !Enumerable.Range(0, pass.Chunks).All(pass.IsDone) ? pass : null;
        // Steps that an earlier life committed after the checkpoint are made again, and must have the same hashes: known.Hashes.
        var (validation, validated) = (_plan.Validation?.Rules, _plan.History(known));
        var rules = new SyncRules(_plan.Layout, _plan.Batches.SlotsPerStep, new StepNumber(_plan.TotalSteps), _plan.CheckpointEvery)
        {
            Validation = validation,
            Standby = _plan.Standby,
            MostLosses = _plan.MostLosses,
            FewestReplicas = _plan.FewestReplicas,
            MostDeaths = _plan.MostDeaths,
            SkipsNonFinite = _plan.SkipsNonFinite,
            QuarantinesSlots = _plan.QuarantinesSlots,
            CheckEvery = _plan.CheckEvery,
            RollsBackNonFinite = _plan.RollsBackNonFinite,
            Spike = _plan.Spike,
            RollbackSteps = _plan.RollbackSteps,
            RowsOf = _plan.RowsOf,
            SamplesOf = _plan.SamplesOf,
        };

        var ledger = _ledger = Context.ActorOf(Props.Create(() => new RunLedger(start.Ledger, TimeProvider.System)), ActorNames.Ledger);
        var setup = new CheckpointSetup(
            _plan.CheckpointKeep, _plan.RecipeHash, _plan.VirtualShards, _plan.Facts, _plan.Checkpoints, _plan.RecipeText)
        {
            Deadline = _plan.CheckpointDeadline,
            Mirror = _plan.Mirror is { } mirror ? new MirrorSetup(mirror, _plan.CheckpointKeep, _plan.MirrorPatience) : null,
            Newest = manifest?.Step,
            KeepsBest = validation is { KeepBest: true },
            Best = validation is { KeepBest: true } ? validated.At(rules.LastStep, validation).Best : null,
            BestBefore = validation is { KeepBest: true } && manifest is not null ? validated.At(manifest.Step, validation).Best : null,
            IsEvaluated = _plan.Evaluation is not null,
            Pinned = _plan.Evaluation is { } evaluation ? [.. evaluation.Known.Select(evaluated => evaluated.Step).Distinct()] : [],
        };
        var checkpoints = _checkpoints = Context.ActorOf(Props.Create(() => new CheckpointCoordinator(setup, ledger)), ActorNames.Checkpoints);
        _subscriber = new SubscriberThread(start.Subscriber, RunProtocol.EndRun(Self));
        Publish(new RunEvent.Started(
            known.HasSteps || manifest is not null, _plan.RecipeHash, _plan.VirtualShards, _plan.Layout.Size, _plan.Batches.SlotsPerStep, _plan.TotalSteps,
            manifest?.Step ?? default, manifest?.Path, _plan.Facts)
        {
            Epoch = _plan.Batches.Epoch,
        });
        if (_plan.Evaluation is { } pool)
            _pool = Context.ActorOf(Props.Create(() => new EvaluationPool(pool, node, checkpoints, ledger)), ActorNames.Evaluations);
        if (isOver)
        {
            // Only its evaluation is left to do: it has no ranks.
            var finished = known.Finished?.Step == manifest!.Step ? known.Finished : null;
            _outcome = _state.Ended(RunEnd.Completed, manifest.Step, finished?.ParametersSha256, manifest.Path);
            Self.Tell(RunProtocol.RanksStopped.Instance);
            return;
        }
        // The checkpoint that the run goes on from may have been written just before an earlier life ended.
        if (manifest is not null) _pool?.Tell(new EvaluationControl.HasCheckpoint(manifest.Step));
        var state = GradientSyncState.Of(
            rules,
            new SyncStart(known.Generation, manifest, known.Hashes, reference is not null)
            {
                Validated = validated,
                Decided = known.Decided,
                Skipped = known.Skipped,
                Quarantined = known.Quarantined,
                Rollbacks = known.Rollbacks,
                Losses = known.Losses,
            },
            _plan.Lease);
        var earlier = Earlier(known, resumes: known.HasSteps || manifest is not null);
        var sync = _sync = Context.ActorOf(
            Props.Create(() => new GradientSyncSupervisor(state, ledger, checkpoints, reference, _plan.Validation, earlier)), ActorNames.GradientSync);
        _ranks = _plan.ClusterKey is { } key ? StartPlacement(key) : node;
        Publish(new RunEvent.PhaseChanged(RunPhase.Starting));
        if (_plan.ClusterKey is not null) return;
        node.Tell(new NodeAgent.StartRanks(
            new NodePlan(_plan.Layout.OfOneCopy(), _plan.Workers!, _plan.Batches, _plan.Reference, _plan.Validation, _plan.TotalSteps, _plan.Prefetch),
            _plan.Layout.Size, sync, checkpoints));
    }

    // A run that was under way when its coordinator died was without one until now.
    private EarlierTimes Earlier(LedgerState known, bool resumes)
    {
        if (!known.HasSteps) return EarlierTimes.None with { Resumes = resumes };
        TimeSpan? away = _plan.TakesOver && known.Times.Until is { } until ? TimeProvider.System.GetUtcNow() - until : null;
        return new EarlierTimes(known.Times.Times, away is { } time ? Math.Max(0, time.Ticks / TimeSpan.TicksPerMicrosecond) : null) { Resumes = resumes };
    }

    private IActorRef StartPlacement(byte[] key)
    {
        var run = new NodeRun(_plan.RunDirectory, _plan.RecipeHash, _plan.Layout.OfOneCopy(), _plan.TotalSteps, _plan.Prefetch, key);
        var (sync, events, memory) = (_sync, new RunEventPublisher(_ledger, Self), _plan.Memory);
        var (layout, fewest) = (_plan.Layout, Math.Min(_plan.FewestReplicas, _plan.Layout.Data) * _plan.Layout.ReplicaSize);
        return Context.ActorOf(Props.Create(() => new Placement(run, layout, fewest, sync, events, memory)), ActorNames.Placement);
    }

    // An event of the run itself, which handles it at once.
    private void Publish(RunEvent happened)
    {
        if (LedgerEvents.Of(happened) is { } entry) _ledger.Tell(new LedgerProtocol.Append(entry));
        Handle(happened);
    }

    private void Handle(RunEvent happened)
    {
        _state = _state.Apply(happened, Stopwatch.GetElapsedTime(0));
        if (RunLog.LineOf(happened) is { } line) Log(line.Level, line.Text);
        _subscriber?.Post(happened);
        if (happened is RunEvent.CheckpointWritten written) _pool?.Tell(new EvaluationControl.HasCheckpoint(written.Step));
    }

    // The first end counts; whatever follows is a consequence of ending.
    private void End(RunOutcome outcome)
    {
        if (_outcome is not null) return;
        _outcome = outcome;
        _sync.Tell(RunProtocol.Halt.Instance);
        _ranks.Tell(RunProtocol.StopRanks.Instance);
    }

    // No rank is left, so that whatever is still to be scored holds up no step.
    private void FinishEvaluation(IActorRef pool)
    {
        if (_outcome is not { End: RunEnd.Completed, Steps: var last } || _isStopped)
        {
            pool.Tell(EvaluationControl.ClosePool.Instance);
            return;
        }
        _isFinishingEvaluation = true;
        Publish(new RunEvent.PhaseChanged(RunPhase.Evaluating));
        pool.Tell(new EvaluationControl.FinishPool(last));
    }

    private void CloseLedger()
    {
        if (_outcome is not { } outcome) return;
        Publish(new RunEvent.Finished(
            new StepNumber(outcome.Steps), outcome.End, outcome.ParametersSha256, outcome.Failure?.Error,
            outcome.End == RunEnd.Cancelled ? _plan.StoppedBy?.Invoke() : null));
        _ledger.Tell(LedgerProtocol.Close.Instance);
    }

    private void Log(string level, string text) => EventFile.For(Context.System).Write(level, Self.Path.ToStringWithoutAddress(), text);
}
