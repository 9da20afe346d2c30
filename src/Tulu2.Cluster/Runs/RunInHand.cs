using System.Diagnostics;
using Akka.Actor;
using Tulu2.Cluster.Hosting;
using Tulu2.Protocol.GradientSync;
using Tulu2.Protocol.Outcomes;

namespace Tulu2.Cluster.Runs;

/// <summary>What the coordinator keeps of the run in hand: its actors, its figures and its observer's thread. Used by one actor only.</summary>
internal sealed class RunInHand(
    RunPlan plan, IRunObserver observer, TaskCompletionSource<RunOutcome> completion, IActorRef ranks, IActorRef sync, IActorRef checkpoints, IActorRef ledger,
        Action<Exception> fault)
{
    private readonly DedicatedThread _observing = new("run observer");
    private bool _observerFailed;
    private int _steps = plan.Start is RunStart.FromManifest start ? start.Step : 0;
    private string? _manifest = plan.Start is RunStart.FromManifest from ? from.Path : null;
    private double? _lossFirst;
    private double? _lossLast;
    private long _tokens;
    private long? _trainingBegan;
    private double _seconds;
    private RunPhase _phase = RunPhase.Starting;

    public RunPlan Plan { get; } = plan;

    /// <summary>The node agent that has the ranks, or the placement that has given them to several.</summary>
    public IActorRef Ranks { get; } = ranks;
    public IActorRef Sync { get; } = sync;
    public IActorRef Checkpoints { get; } = checkpoints;
    public IActorRef Ledger { get; } = ledger;

    /// <summary>Null until the end is decided.</summary>
    public RunOutcome? Outcome { get; private set; }

    public bool IsEnding => Outcome is not null;

    /// <summary>The newest generation of the ranks; 0: none yet.</summary>
    public long Generation { get; set; }

    /// <summary>Places on nodes that the run waits for.</summary>
    public int Missing { get; set; }

    public RunProgress Progress(bool isOver)
    {
        var state = Missing > 0 ? "waiting" : _phase == RunPhase.ReferencePass ? "reference" : $"{_phase}".ToLowerInvariant();
        return new RunProgress(Plan.RunDirectory, state, _steps, Plan.TotalSteps, Generation, Plan.Layout.Size, Missing, isOver);
    }

    /// <summary>Tells the observer, in order, on its thread. Its first failure ends the run; after that it hears nothing more.</summary>
    public void Observe(Action<IRunObserver> tell) => _observing.Post(() =>
    {
        if (_observerFailed) return;
        try
        {
            tell(observer);
        }
        catch (Exception cause)
        {
            _observerFailed = true;
            fault(cause);
        }
    });

    public void Enter(RunPhase phase)
    {
        _phase = phase;
        if (phase == RunPhase.Training) _trainingBegan ??= Stopwatch.GetTimestamp();
        Observe(o => o.PhaseChanged(phase));
    }

    public void Committed(StepCommit commit)
    {
        _steps = commit.Step;
        _lossFirst ??= commit.Metrics.Loss;
        _lossLast = commit.Metrics.Loss;
        _tokens += commit.Metrics.Tokens;
        _seconds = _trainingBegan is { } began ? Stopwatch.GetElapsedTime(began).TotalSeconds : 0;
        var perSecond = commit.Seconds > 0 ? commit.Metrics.Tokens / commit.Seconds : 0;
        var step = new CommittedStep(
            commit.Step, commit.Replayed, commit.Metrics, commit.GradientHash, commit.Seconds, perSecond, [.. commit.Shares.Select(share => share.Times)]);
        Observe(o => o.StepCommitted(step));
    }

    public void Written(RunProtocol.CheckpointWritten written)
    {
        _manifest = written.Path;
        Observe(o => o.CheckpointWritten(written.Step, written.Path, written.Seconds));
    }

    public void Failed(RunFailure failure) => Outcome = Of(RunEnd.Failed, _steps, null, _manifest, failure);

    public void Finished(SyncEffect.Finished finished) =>
        Outcome = Of(finished.Cancelled ? RunEnd.Cancelled : RunEnd.Completed, finished.Step, finished.ParametersSha256, finished.ManifestPath, null);

    /// <summary>Completes the run once its observer has heard everything.</summary>
    public void Complete()
    {
        var outcome = Outcome!;
        _observing.Post(() => completion.TrySetResult(outcome));
        _observing.Dispose();
    }

    private RunOutcome Of(RunEnd end, int steps, string? sha256, string? manifest, RunFailure? failure) =>
        new(end, steps, sha256, _lossFirst, _lossLast, manifest, _tokens, _seconds, failure);
}
