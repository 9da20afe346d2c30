using System.Collections.Immutable;
using Tulu2.Checkpoints;
using Tulu2.Protocol.Checkpointing;
using Tulu2.Protocol.GradientSync;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Outcomes;
using Tulu2.Protocol.Validation;
using Tulu2.Protocol.Workers;
using Tulu2.Protocol.WorkQueues;

namespace Tulu2.Protocol.Driving;

/// <summary>
/// Plays the supervisor, the nodes and the checkpoint coordinator of docs/protocol.md over plain workers, by the pure states and without actors: turns what it hears
/// into decisions and carries them out. On one thread; order and time are the scheduler's.
/// </summary>
public sealed class StepDriver : IDisposable
{
    private readonly DriverPlan _plan;
    private readonly IWorkerFactory _workers;
    private readonly IDriverScheduler _scheduler;
    private readonly List<Seat> _seats;
    private CheckpointCatalog _catalog;
    private ChunkQueue _reference;
    private ValidationRound _validation;
    private ValidationHistory _validated = ValidationHistory.Empty;
    private ImmutableDictionary<StepNumber, string> _hashes = ImmutableDictionary<StepNumber, string>.Empty;
    private ImmutableHashSet<StepNumber> _skipped = [];
    private ImmutableHashSet<StepSlot> _quarantined = [];
    private ImmutableList<Rollback> _rollbacks = [];
    private ImmutableDictionary<StepNumber, double> _losses = ImmutableDictionary<StepNumber, double>.Empty;
    private ImmutableList<KnownManifest> _manifests;
    private StepNumber? _decided;
    private Incarnation _incarnations;

    // In which the ranks were told to score: a score that comes late gets none of the next generation's ranks more to do.
    private Generation _scoring;
    private int _failures;
    private StepNumber _through;

    private sealed class Seat
    {
        public Incarnation Incarnation;
        public IWorker? Worker;
        public FeedWindow? Feed;
    }

    public StepDriver(DriverPlan plan, IWorkerFactory workers, IDriverScheduler scheduler)
    {
        (_plan, _workers, _scheduler, _manifests) = (plan, workers, scheduler, plan.Start is { } start ? [start] : []);
        _seats = [.. Enumerable.Range(0, plan.Rules.Ranks).Select(_ => new Seat())];
        _catalog = new CheckpointCatalog();
        _reference = ChunkQueue.Of(plan.Reference.Count);
        _validation = ValidationRound.Of(plan.Validation.Count);
        State = FromRecord(generation: default);
    }

    public GradientSyncState State { get; private set; }

    /// <summary>Finished or Failed; null before the end.</summary>
    public SyncEffect? End { get; private set; }

    public bool ReferenceIsDone => _reference.IsComplete;

    /// <summary>Starts the workers of all ranks.</summary>
    public void Start()
    {
        foreach (var rank in Rank.All(_seats.Count)) Start(rank);
    }

    /// <summary>Ranks are fed the slots of the steps up to this one; they wait for those of later steps.</summary>
    public void FeedThrough(StepNumber step)
    {
        _through = step;
        foreach (var rank in Rank.All(_seats.Count))
            if (_seats[rank].Feed is { } feed) Feed(rank, feed.Extend(step));
    }

    /// <summary>Ends the worker of a rank, whatever it does, and starts another one.</summary>
    /// <param name="why">Null: the supervisor hears nothing of the loss.</param>
    public void Replace(Rank rank, string? why)
    {
        var seat = _seats[rank];
        seat.Worker?.Dispose();
        if (why is not null) _scheduler.Sent(new RankReport(rank, seat.Incarnation, new WorkerReport.Failed(Generation.None, rank, why, "", null, null)));
        Start(rank);
    }

    /// <summary>The run is to have this many replicas; new ones get workers.</summary>
    public void Scale(int data) => Take(new SyncCommand.Scale(data, _scheduler.Now));

    /// <summary>A report has arrived at the supervisor.</summary>
    public void Receive(RankReport report)
    {
        var (rank, incarnation) = (report.Rank, report.Incarnation);
        switch (report.Report)
        {
            case WorkerReport.Started started:
                Take(new SyncCommand.RankUp(rank, incarnation, started.Endpoint, _scheduler.Now) { Node = _plan.NodeOf(rank) });
                break;
            case WorkerReport.Failed failed:
                Take(new SyncCommand.RankLost(rank, incarnation, failed.Error, _scheduler.Now) { OfMemory = failed.OfMemory });
                break;
            case WorkerReport.ShardWritten shard:
                Settle(_catalog.Arrive(rank, shard.Step, shard.Shard));
                break;
            case WorkerReport.SnapshotTaken:
                break;
            case WorkerReport.SnapshotFailed failed:
                Settle(_catalog.Fail(rank, failed.Step, failed.Error));
                break;
            case WorkerReport.Scored { Step: var step } scored when step > 0:
                Validated(scored);
                break;
            case WorkerReport.Scored scored:
                Scored(scored);
                break;
            default:
                Take(new SyncCommand.Reported(report.Report, _scheduler.Now));
                if (report.Report is WorkerReport.Applied applied && _plan.WriteManifest is null)
                    Settle(_catalog.Arrive(rank, applied.Step, new ShardEntry("", 0, [])));
                break;
        }
    }

    /// <summary>Decides about a command and carries the decision out.</summary>
    public void Take(SyncCommand command)
    {
        if (End is not null) return;
        var (before, decision) = (State, State.Decide(command));
        (State, var effects) = decision;
        _plan.Observed(before, command, decision);
        var reached = effects.OfType<SyncEffect.Committed>().FirstOrDefault() is { } commit ? _plan.CommitTo(commit.Step.Step) : null;
        foreach (var effect in effects)
            if (reached is null || effect is not SyncEffect.Tell { Command: WorkerCommand.Commit, Rank: var rank } || reached.Contains(rank)) Do(effect);
        if (reached is not null) TakeOver();
    }

    public void Dispose()
    {
        foreach (var seat in _seats) seat.Worker?.Dispose();
    }

    private void Start(Rank rank)
    {
        var seat = _seats[rank];
        var incarnation = seat.Incarnation = _incarnations = _incarnations.Next();
        seat.Feed = FeedWindow.Of(_plan.Rules.Layout, _plan.Batches, _through, _plan.Credits);
        seat.Worker = _workers.Start(rank, report => _scheduler.Said(() => Hear(new RankReport(rank, incarnation, report))));
    }

    private void Release(Rank rank)
    {
        if (rank >= _seats.Count) return;
        var seat = _seats[rank];
        seat.Worker?.Dispose();
        (seat.Worker, seat.Feed, seat.Incarnation) = (null, null, _incarnations = _incarnations.Next());
    }

    // What a rank's node does with a report: it keeps the worker fed, replaces one that failed, and passes the report on.
    private void Hear(RankReport report)
    {
        var (rank, seat) = (report.Rank, _seats[report.Rank]);
        if (report.Incarnation != seat.Incarnation) return;
        _plan.Heard(report);
        switch (report.Report)
        {
            case WorkerReport.Failed failed when failed.IsFinal:
                End ??= new SyncEffect.Failed(new RunFailure(failed.Error, failed.Detail, failed.BadInputWhere, failed.BadInputFix));
                return;
            case WorkerReport.Failed failed when ++_failures > _plan.Restarts:
                End ??= new SyncEffect.Failed(new RunFailure($"rank {rank}, after {_failures - 1} restarts: {failed.Error}", failed.Detail));
                return;
            case WorkerReport.Failed failed:
                Replace(rank, failed.Error);
                return;
            case WorkerReport.SlotDone slot:
                Feed(rank, seat.Feed!.Done(slot.Step, slot.Slot));
                break;
        }
        _scheduler.Sent(report);
    }

    private void Do(SyncEffect effect)
    {
        _plan.Decided(effect);
        if (!_plan.Delivers(effect)) return;
        switch (effect)
        {
            case SyncEffect.Tell { Rank: var rank, Command: var command }:
                _seats[rank].Worker?.Send(command is WorkerCommand.Commit commit && _plan.WriteManifest is null ? commit with { Snapshot = false } : command);
                if (command is WorkerCommand.JoinGeneration join) _seats[rank].Feed!.Join(join);
                if (command is WorkerCommand.Begin begin) Feed(rank, _seats[rank].Feed!.Begin(begin));
                if (command is WorkerCommand.Commit made) Feed(rank, _seats[rank].Feed?.Commit(made) ?? []);
                break;
            case SyncEffect.Restart restart when restart.Incarnation == _seats[restart.Rank].Incarnation:
                Replace(restart.Rank, restart.Why);
                break;
            case SyncEffect.Resized { Ranks: var ranks }:
                while (_seats.Count < ranks) _seats.Add(new Seat());
                foreach (var rank in Rank.All(ranks))
                    if (_seats[rank].Worker is null) Start(rank);
                break;
            case SyncEffect.Released released:
                foreach (var gone in released.Ranks) Release(gone);
                break;
            case SyncEffect.BeginScoring scoring:
                _scoring = scoring.Generation;
                (_reference, var chunks) = _reference.Begin(scoring.Roster);
                Score(default, chunks);
                break;
            case SyncEffect.BeginValidation validation:
                _scoring = validation.Generation;
                (_validation, var validating) = _validation.Begin(validation.Step, validation.Roster);
                Score(validation.Step, validating);
                break;
            case SyncEffect.Committed { Step: var step }:
                (_hashes, _decided) = (_hashes.SetItem(step.Step, step.GradientHash), step.Step);
                _skipped = step.Skipped is null ? _skipped.Remove(step.Step) : _skipped.Add(step.Step);
                if (step.Skipped is null) _losses = _losses.SetItem(step.Step, step.Metrics.Loss);
                break;
            case SyncEffect.RollBack { To: var to }:
                _catalog = new CheckpointCatalog();
                _manifests = _manifests.RemoveAll(manifest => manifest.Step > to);
                _scheduler.Settled(new SyncCommand.RolledBack(_manifests.LastOrDefault(), _scheduler.Now));
                break;
            case SyncEffect.RolledBack { Rollback: var rollback }:
                _rollbacks = _rollbacks.Add(rollback);
                _hashes = _hashes.RemoveRange(_hashes.Keys.Where(step => step > rollback.To));
                _losses = _losses.RemoveRange(_losses.Keys.Where(step => step > rollback.To));
                _skipped = [.. _skipped.Where(step => step <= rollback.To)];
                _validated = _validated.Until(rollback.To);
                if (_decided > rollback.To) _decided = rollback.To;
                break;
            case SyncEffect.Quarantined { Slot: var slot }:
                _quarantined = _quarantined.Add(slot);
                break;
            case SyncEffect.SnapshotBegun begun:
                _catalog = _catalog.Begin(begun.Step, begun.Roster.Ranks);
                break;
            case SyncEffect.SnapshotRanksGone gone:
                Settle(_catalog.Gone(gone.Step, gone.Ranks));
                break;
            case SyncEffect.Finished or SyncEffect.Failed:
                End = effect;
                break;
        }
    }

    private void Feed(Rank rank, IReadOnlyList<(StepNumber Step, SlotNumber Slot)> asked)
    {
        foreach (var (step, slot) in asked) _seats[rank].Worker!.Send(new WorkerCommand.Feed(_plan.Batches.Read(step, slot)));
    }

    private void Scored(WorkerReport.Scored scored)
    {
        Take(new SyncCommand.Scored(scored.Rank, _scheduler.Now));
        (_reference, var accepted, var chunks) = _reference.Scored(scored.Rank, scored.Task);
        if (accepted) _plan.Scored(scored.Task, scored.LogProbabilities);
        Score(default, chunks);
        if (accepted && _reference.IsComplete) Take(new SyncCommand.ReferenceDone(_scheduler.Now));
    }

    private void Validated(WorkerReport.Scored scored)
    {
        Take(new SyncCommand.Scored(scored.Rank, _scheduler.Now));
        // As in the actor: a chunk of an older generation may be assigned again and under way.
        if (scored.Generation != _scoring) return;
        (_validation, var complete, var chunks) = _validation.Scored(scored.Rank, scored.Step, scored.Task, scored.LogProbabilities);
        Score(scored.Step, chunks);
        if (complete is null) return;
        var value = _plan.Measure(scored.Step, complete);
        _validated = _validated.With(scored.Step, value);
        Take(new SyncCommand.Validated(scored.Step, value, _scheduler.Now));
    }

    private void Score(StepNumber step, ImmutableArray<(Rank Rank, int Chunk)> chunks)
    {
        var batches = step > 0 ? _plan.Validation : _plan.Reference;
        foreach (var (rank, chunk) in chunks) _seats[rank].Worker!.Send(new WorkerCommand.Score(_scoring, step, chunk, batches[chunk]));
    }

    private void Settle((CheckpointCatalog Next, CatalogDecision Decision) arrived)
    {
        _catalog = arrived.Next;
        switch (arrived.Decision)
        {
            case CatalogDecision.ManifestDue due:
                var manifest = new KnownManifest(_plan.WriteManifest?.Invoke(due.Step, due.Shards) ?? "", due.Step);
                _manifests = _manifests.Add(manifest);
                _scheduler.Settled(new SyncCommand.SnapshotSettled(due.Step, manifest.Path, null, false, _scheduler.Now));
                break;
            case CatalogDecision.Abandoned lost:
                _scheduler.Settled(new SyncCommand.SnapshotSettled(lost.Step, null, lost.Why, lost.Lost, _scheduler.Now));
                break;
        }
    }

    // The supervisor is lost, and another one begins with what ledger and manifests know.
    private void TakeOver()
    {
        var (up, data) = (State.Seats.Where(seat => seat.Up).ToArray(), State.Wanted.Data);
        _catalog = new CheckpointCatalog();
        State = FromRecord(State.Generation);
        // As from the ledger.
        Take(new SyncCommand.Scale(data, _scheduler.Now));
        foreach (var seat in up) Take(new SyncCommand.RankUp(seat.Rank, seat.Incarnation, seat.Endpoint, _scheduler.Now) { Node = seat.Node });
    }

    private GradientSyncState FromRecord(Generation generation) =>
        GradientSyncState.Of(
            _plan.Rules,
            new SyncStart(generation, _manifests.LastOrDefault(), _hashes, ReferenceDue: !_reference.IsComplete)
            {
                Validated = _validated,
                Decided = _decided,
                Skipped = _skipped,
                Quarantined = _quarantined,
                Rollbacks = _rollbacks,
                Losses = _losses,
            },
            _plan.Lease);
}
