using System.Diagnostics;
using Akka.Actor;
using Tulu2.Cluster.Delivery;
using Tulu2.Cluster.Ledger;
using Tulu2.Cluster.Messages;
using Tulu2.Cluster.Ranks;
using Tulu2.Protocol.Accounts;
using Tulu2.Protocol.Events;
using Tulu2.Protocol.GradientSync;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Outcomes;
using Tulu2.Protocol.Workers;

namespace Tulu2.Cluster.GradientSync;

/// <summary>Supervises the ranks: receives their reports, asks <see cref="GradientSyncState"/>, and carries out its effects in order.</summary>
internal sealed class GradientSyncSupervisor : UntypedActor, IWithTimers
{
    private static readonly TimeSpan TickInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(0.3);
    private static readonly TimeSpan SleptInterval = TimeSpan.FromSeconds(10);

    private readonly RunEventPublisher _events;
    private readonly IActorRef _checkpoints;
    private readonly ReferencePass? _reference;
    private readonly ValidationPass? _validation;
    private readonly Dictionary<Rank, IActorRef> _trainers = [];
    private readonly IActorRef _ledger;

    // Workers that were told to end, and ranks as they were placed on nodes that were.
    private readonly Dictionary<(Rank, Incarnation), string> _leaving = [];
    private readonly Dictionary<(long Epoch, Rank), string> _leavingNodes = [];

    // What was decided after a commit or a new generation that is not yet written down: effects, and events that follow from them.
    private readonly Queue<object> _waiting = new();
    private GradientSyncState _state;
    private TimeAccount _account;
    private bool _isWriting;
    private TimeSpan _ticked = Now;

    /// <param name="reference">Null: no reference pass is due.</param>
    /// <param name="validation">Null: the run does not validate.</param>
    /// <param name="earlier">Where the ranks' time went before this session.</param>
    public GradientSyncSupervisor(
        GradientSyncState state, IActorRef ledger, IActorRef checkpoints, IReferencePlan? reference, IValidationPlan? validation, EarlierTimes earlier)
    {
        _account = TimeAccount.Of(state, Now, earlier);
        (_state, _events, _ledger, _checkpoints) = (state, new RunEventPublisher(ledger, Context.Parent), ledger, checkpoints);
        if (reference is not null) _reference = new ReferencePass(reference, Self);
        if (validation is not null) _validation = new ValidationPass(validation);
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private sealed record Tick : INoSerializationVerificationNeeded
    {
        public static Tick Instance { get; } = new();
    }

    private sealed record Look : INoSerializationVerificationNeeded
    {
        public static Look Instance { get; } = new();
    }

    // The scheduler's own clock has a resolution of milliseconds, too coarse for the times of a short step.
    private static TimeSpan Now => Stopwatch.GetElapsedTime(0);

    protected override void PreStart()
    {
        Timers.StartPeriodicTimer(nameof(Tick), Tick.Instance, TickInterval);
        // What the ledger says of the time since its last account is part of it from now on.
        if (_account.Accounted.Elapsed > 0) _events.Publish(new RunEvent.TimeAccounted(_account.Accounted));
    }

    protected override void PostStop() => _reference?.Dispose();

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case RankProtocol.Up up:
                // A node that the cluster has removed may still send.
                if (up.Rank >= _state.Seats.Length || up.Incarnation >= _state.Seats[up.Rank].Incarnation) _trainers[up.Rank] = Couriers.To(Context.System, Sender);
                Take(new SyncCommand.RankUp(up.Rank, up.Incarnation, up.Endpoint, Now) { Node = $"{Sender.Path.Address}" });
                // It said so before it was up, or its node did.
                if (_leaving.TryGetValue((up.Rank, up.Incarnation), out var told)) Take(new SyncCommand.RankLeaves(up.Rank, up.Incarnation, told, Stays: true, Now));
                if (_leavingNodes.TryGetValue((NodeProtocol.EpochOf(up.Incarnation), up.Rank), out var going))
                    Take(new SyncCommand.RankLeaves(up.Rank, up.Incarnation, going, Stays: false, Now));
                break;
            case RankProtocol.Lost lost:
                // One that was never up has nobody else that could be told to let it be.
                if (lost.Rank >= _state.Seats.Length || lost.Incarnation > _state.Seats[lost.Rank].Incarnation) _trainers[lost.Rank] = Couriers.To(Context.System, Sender);
                Take(new SyncCommand.RankLost(lost.Rank, lost.Incarnation, lost.Why, Now) { OfMemory = lost.OfMemory, Ago = lost.Ago });
                break;
            case RankProtocol.Leaving leaving:
                _leaving[(leaving.Rank, leaving.Incarnation)] = leaving.Why;
                Take(new SyncCommand.RankLeaves(leaving.Rank, leaving.Incarnation, leaving.Why, Stays: true, Now));
                break;
            case NodeProtocol.Leave leave:
                foreach (var rank in leave.Ranks) _leavingNodes[(leave.Epoch, rank)] = leave.Why;
                foreach (var seat in SeatsOf(leave.Epoch, leave.Ranks)) Take(new SyncCommand.RankLeaves(seat.Rank, seat.Incarnation, leave.Why, Stays: false, Now));
                break;
            case RunProtocol.Scale scale:
                Take(new SyncCommand.Scale(scale.Data, Now));
                break;
            case NodeProtocol.Gone gone:
                foreach (var seat in SeatsOf(gone.Epoch, gone.Ranks))
                    Take(new SyncCommand.RankLost(seat.Rank, seat.Incarnation, gone.Why, Now));
                break;
            case RankProtocol.Report { Body: WorkerReport.Scored { Step: var step } scored } when step > 0:
                Take(new SyncCommand.Scored(scored.Rank, Now));
                if (_validation?.Scored(scored, ToTrainer) == true) Take(new SyncCommand.Validated(step, _validation.Value, Now));
                break;
            case RankProtocol.Report { Body: WorkerReport.Scored scored }:
                Take(new SyncCommand.Scored(scored.Rank, Now));
                _reference?.Scored(scored.Rank, scored.Task, scored.LogProbabilities, ToTrainer);
                break;
            case RankProtocol.Report report:
                Take(new SyncCommand.Reported(report.Body, Now));
                break;
            case RankProtocol.BadInput bad:
                Context.Parent.Tell(new RunProtocol.Fatal(new RunFailure(bad.Error, bad.Detail, bad.Where, bad.Fix)));
                break;
            case CheckpointProtocol.Due:
                Take(new SyncCommand.SnapshotDue(Now));
                break;
            case CheckpointProtocol.Settled settled:
                Take(new SyncCommand.SnapshotSettled(settled.Step, settled.ManifestPath, settled.Error, settled.Lost, Now));
                break;
            case CheckpointProtocol.RolledBack { Newest: var newest }:
                Take(new SyncCommand.RolledBack(newest, Now));
                break;
            case LedgerProtocol.Written or LedgerProtocol.Durable:
                _isWriting = false;
                DoWaiting();
                break;
            case RunProtocol.StopRun:
                _events.Publish(new RunEvent.StopRequested());
                Take(new SyncCommand.Stop(Now));
                break;
            case RunProtocol.Halt:
                Timers.CancelAll();
                if (!_account.IsClosed) _events.Publish(new RunEvent.TimeAccounted((_account = _account.Close(_state, Now)).Accounted));
                Become(_ => { });
                break;
            case Tick:
                var now = Now;
                Take(now - _ticked > SleptInterval ? new SyncCommand.Slept(now) : new SyncCommand.Tick(now));
                _ticked = now;
                break;
            case Look:
                if (_state.Phase is SyncPhase.Gathering) Take(new SyncCommand.Tick(Now));
                break;
            case ReferencePass.Stored stored:
                _events.Publish(new RunEvent.ReferenceProgressed(stored.Done, stored.Total));
                break;
            case ReferencePass.Completed:
                Take(new SyncCommand.ReferenceDone(Now));
                break;
            case ReferencePass.Failed failed:
                Context.Parent.Tell(new RunProtocol.Fatal(failed.Failure));
                break;
        }
    }

    private RankSeat[] SeatsOf(long epoch, IEnumerable<Rank> ranks) => [.. ranks.Where(rank => rank < _state.Seats.Length)
        .Select(rank => _state.Seats[rank]).Where(seat => NodeProtocol.EpochOf(seat.Incarnation) == epoch)];

    private void Take(SyncCommand command)
    {
        var before = _state;
        var decision = before.Decide(command);
        (_state, var effects) = decision;
        _account = _account.After(before, command, decision);
        // The next tick is too late for who waits a quarter of a second.
        if (_state.Phase is SyncPhase.Gathering && !Timers.IsTimerActive(nameof(Look)))
            Timers.StartSingleTimer(nameof(Look), Look.Instance, LookInterval);
        // The run ends when it hears of it: its last account comes before.
        if (_account.IsClosed && !effects.IsEmpty) _waiting.Enqueue(new RunEvent.TimeAccounted(_account.Accounted));
        foreach (var effect in effects) _waiting.Enqueue(effect);
        foreach (var recovery in _account.Recovered) _waiting.Enqueue(new RunEvent.Recovered(recovery));
        if (!_account.IsClosed && effects.Any(IsAccountedFor)) _waiting.Enqueue(new RunEvent.TimeAccounted(_account.Accounted));
        DoWaiting();
    }

    // With every checkpoint, and where a generation begins to work: a process that dies loses little of the account, and no step pays for it.
    private static bool IsAccountedFor(SyncEffect effect) =>
        effect is SyncEffect.SnapshotBegun or SyncEffect.BeginScoring or SyncEffect.Tell { Command: WorkerCommand.Begin or WorkerCommand.Restore };

    private void DoWaiting()
    {
        while (!_isWriting && _waiting.TryDequeue(out var next))
        {
            if (next is RunEvent happened) _events.Publish(happened);
            else Do((SyncEffect)next);
        }
    }

    private void Do(SyncEffect effect)
    {
        switch (effect)
        {
            case SyncEffect.Tell tell:
                ToTrainer(tell.Rank, new RankProtocol.Command(tell.Command));
                break;
            case SyncEffect.Restart restart:
                ToTrainer(restart.Rank, new RankProtocol.Replace(restart.Incarnation, restart.Why));
                break;
            case SyncEffect.Resized resized:
                Context.Parent.Tell(new RunProtocol.Resize(resized.Ranks));
                break;
            case SyncEffect.Released released:
                foreach (var rank in released.Ranks) ToTrainer(rank, RankProtocol.Release.Instance);
                Context.Parent.Tell(new RunProtocol.RanksReleased(released.Ranks));
                break;
            case SyncEffect.SnapshotBegun begun:
                _checkpoints.Tell(new CheckpointProtocol.SnapshotBegun(begun.Step, begun.Roster.Ranks));
                break;
            case SyncEffect.SnapshotRanksGone gone:
                _checkpoints.Tell(new CheckpointProtocol.RanksGone(gone.Step, gone.Ranks));
                break;
            case SyncEffect.BeginScoring scoring:
                _reference!.Begin(scoring.Generation, scoring.Roster, ToTrainer);
                break;
            case SyncEffect.BeginValidation begin:
                _validation!.Begin(begin.Generation, begin.Step, begin.Roster, ToTrainer);
                break;
            case SyncEffect.Validated validated:
                _events.Publish(new RunEvent.Validated(validated.Step, _validation!.Values, validated.Verdict, _validation.Seconds));
                if (validated.Verdict.IsBest) _checkpoints.Tell(new CheckpointProtocol.Best(validated.Step));
                break;
            // docs/protocol.md, step 1: the generation is in the ledger, and on the disk, before a rank joins it: a machine that crashes must not take its number along.
            case SyncEffect.GenerationOpened opened:
                _events.Publish(new RunEvent.GenerationOpened(opened.Generation, opened.Why, opened.Ranks));
                AwaitLedger(new LedgerProtocol.Flush((int)opened.Generation.Value));
                break;
            // docs/protocol.md, step 6: a commit is in the ledger before any rank hears of it; the Commit commands follow as SyncEffect.Tell.
            case SyncEffect.Committed committed:
                _events.Publish(new RunEvent.StepCommitted(committed.Step));
                AwaitLedger(LedgerProtocol.Write.Instance);
                break;
            // It is in the ledger before any rank makes the step without it.
            case SyncEffect.Quarantined left:
                _events.Publish(new RunEvent.SlotQuarantined(left.Slot, left.Rows, left.Why));
                AwaitLedger(LedgerProtocol.Write.Instance);
                break;
            case SyncEffect.RollBack back:
                _checkpoints.Tell(new CheckpointProtocol.RollBack(back.To, back.Best));
                break;
            // It is in the ledger, and on its disk, before any rank goes on: what a crash left of the steps that are undone would count again.
            case SyncEffect.RolledBack back:
                _events.Publish(new RunEvent.RolledBack(back.Rollback));
                AwaitLedger(new LedgerProtocol.Flush(back.Rollback.To));
                break;
            case SyncEffect.RankOut lost:
                _events.Publish(new RunEvent.RankLost(lost.Rank, lost.Why));
                break;
            case SyncEffect.Warned warned:
                _events.Publish(new RunEvent.Warned(warned.Text));
                break;
            case SyncEffect.PhaseChanged changed:
                _events.Publish(new RunEvent.PhaseChanged(changed.Phase));
                break;
            case SyncEffect.Failed failed:
                Context.Parent.Tell(new RunProtocol.Fatal(failed.Failure));
                break;
            case SyncEffect.Finished finished:
                Context.Parent.Tell(new RunProtocol.Ended(finished));
                break;
        }
    }

    // Whatever follows is done when all that was published is in the ledger's file or, where that is asked for, on its disk.
    private void AwaitLedger(object request)
    {
        _isWriting = true;
        _ledger.Tell(request);
    }

    private void ToTrainer(Rank rank, object message)
    {
        // A worker that ended before it was up has no trainer.
        if (_trainers.TryGetValue(rank, out var trainer)) trainer.Tell(message);
    }
}
