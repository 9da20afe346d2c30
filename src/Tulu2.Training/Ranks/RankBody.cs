using System.Diagnostics;
using Tulu2.Collectives;
using Tulu2.Data.Slots;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;
using Tulu2.Training.Communication;
using Tulu2.Training.Objectives;
using Tulu2.Training.Optimization;
using Tulu2.Training.Recipes;
using Tulu2.Training.Slots;
using Tulu2.Training.Standby;
using Tulu2.Training.State;
using Tulu2.Training.Steps;
using Tulu2.Training.Workers;

namespace Tulu2.Training.Ranks;

/// <summary>
/// The rank that a worker currently computes for: its part of the model, optimizer state and gradients, and the rank's side of docs/protocol.md. Created by
/// <see cref="WorkerLoop"/> when the worker joins a generation as that rank; used only on the loop's thread.
/// </summary>
internal sealed class RankBody : IDisposable
{
    // Well below any lease.
    private static readonly TimeSpan SnapshotPatience = TimeSpan.FromSeconds(20);

    private readonly WorkerSettings _settings;
    private readonly Action<WorkerReport> _report;
    private readonly SlotComputerOf _computerOf;
    private readonly RankPart _part;
    private readonly RankState _state;
    private readonly HeldGradients _held;
    private readonly SlotChecker _checker;
    private readonly SlotRunner _runner;
    private readonly StepDivergence? _divergence;
    private readonly LeftOutSlots _leftOut;
    private readonly StepReduction _reduction;
    private readonly TensorGroupSum? _tensorSum;
    private readonly NcclTransport? _nccl;
    private readonly StandbyKeeper _standby;
    private readonly SnapshotWriter _snapshots;
    private readonly Dictionary<(StepNumber Step, SlotNumber Slot), SlotBatch> _fed = [];
    private readonly StepClock _clock = new();
    private ISlotComputer? _computer;
    private RankGroups? _groups;
    private (double Norm, string Hash, StepFault? Fault)? _reduced;   // of the current step's gradient, once it is reduced here and where this rank's copy is kept
    private SlotNumber? _underWay;     // as it was reported last
    private bool _computing;           // slots or the reduction are still to be done
    private Generation _since = Generation.None;   // in which it was last brought to a state
    private bool _begun;               // Begin was received in this generation
    private Rank _rank;

    /// <param name="computerOf">Creates the model over the rank's weights; called on first use.</param>
    public RankBody(WorkerSettings settings, Rank rank, Action<WorkerReport> report, SlotComputerOf computerOf)
    {
        (_settings, _report, _computerOf, _rank) = (settings, report, computerOf, rank);
        var (slots, deadline) = (settings.Plan.SlotsPerStep, settings.CollectiveDeadline);
        _part = new RankPart(settings.Parameters, settings.Parallel, rank);
        _state = new RankState(settings, _part);
        _held = new HeldGradients(slots, _part.Trained.Length, settings.ComputeDevice(), looks: settings.Recipe.OnNonfinite != OnNonfinite.Stop);
        _reduction = new StepReduction(slots, _part.Trained, _part.Range, _held, deadline, settings.Recipe.Parallel.Overlap,
            GradientPieces.Of(_part.Trained, settings.GradientPiece), new BackgroundThread($"sums of rank {rank}"),
            piece => settings.Faults?.AtPiece(_rank, Step, piece));
        _leftOut = new LeftOutSlots(_held, slots);
        _checker = new SlotChecker(_part.Trained);
        _runner = new SlotRunner(_held, deadline, _clock, _reduction, _checker);
        _divergence = ObjectiveCatalog.Of(settings.Recipe.Objective).HasMismatched ? new StepDivergence(slots, deadline) : null;
        _tensorSum = settings.Parallel.Tensor > 1 ? new TensorGroupSum(deadline, _clock) : null;
        _nccl = NcclTransport.Of(settings.Recipe.Parallel, settings.Parallel.Tensor, deadline);
        _standby = new StandbyKeeper(settings, new BackgroundThread($"standby copy on rank {rank}"));
        _snapshots = new SnapshotWriter(settings.OpenCheckpoints(), report);
    }

    /// <summary>The current generation; -1 before the first.</summary>
    public Generation Generation => _groups is { } groups ? new(groups.World.Generation) : Generation.None;

    /// <summary>Whether <see cref="Advance"/> can proceed without another command or batch.</summary>
    public bool HasWork => _computing && (Needs is not { } slot || _fed.ContainsKey((Step, new SlotNumber(slot))));

    private int? Needs => _divergence is { IsDone: false } ? _divergence.Needs : _runner.Needs;

    private RankGroups Groups => _groups ?? throw new InvalidOperationException($"rank {_rank}: in no generation");
    private StepNumber StateStep => _state.Step;
    private StepNumber Step => StateStep.Next();
    private ISlotComputer Computer => _computer ??= _computerOf(_state.Replica, _tensorSum);

    /// <summary>
    /// Whether <paramref name="rank"/> holds exactly the same as this body, so that the body can become that rank and keep its state and gradients.
    /// </summary>
    public bool CanPlay(Rank rank) => _part.IsAlsoOf(rank);

    /// <summary>Enters a newer generation as <paramref name="rank"/>. Parameters and held slot gradients are kept (docs/protocol.md, step 2).</summary>
    /// <param name="abortWith">Registers an action to run when the generation's collective is aborted.</param>
    public void Enter(ICollective world, Roster roster, Rank rank, Action<Action<string>> abortWith)
    {
        _groups = new RankGroups(roster, rank, world);
        if (_tensorSum is not null) _tensorSum.Group = _groups.Tensor;
        if (_nccl is not null)
        {
            _state.ChooseDevice();
            _tensorSum!.OnDevice = _nccl.Join(_groups.Tensor, abortWith);
        }
        (_rank, _computing, _begun) = (rank, false, false);
        DropUnfinished();
    }

    /// <summary>Abandons a reduction of the generation that has ended.</summary>
    public void Leave() => _reduction.Drop();

    /// <summary>Reports the step and the slots that this rank brings into the generation (<see cref="WorkerReport.Joined"/>).</summary>
    public void ReportJoined() => _report(new WorkerReport.Joined(Generation, _rank, StateStep, _held.Ranges, _reduced?.Hash) { Keeps = _standby.Copy, Since = _since });

    /// <summary>Stops computing after an aborted collective. Finished slots stay held; the next generation assigns the remaining work.</summary>
    public void Pause()
    {
        _computing = false;
        DropUnfinished();
        _reduction.Drop();
    }

    /// <summary>Records time that the loop waited for a command or batch.</summary>
    public void Waited(TimeSpan time) => _clock.Waited(forData: _computing, forCommit: _reduced is not null, time);

    /// <summary>Executes a command of the current generation, or stores a batch.</summary>
    public void Handle(WorkerCommand command)
    {
        switch (command)
        {
            case WorkerCommand.Feed feed when feed.Batch.Step > StateStep:
                _fed[(new StepNumber(feed.Batch.Step), new SlotNumber(feed.Batch.Slot))] = feed.Batch;
                break;
            case WorkerCommand.Begin begin:
                Begin(begin);
                break;
            case WorkerCommand.Restore restore:
                Restore(restore);
                break;
            case WorkerCommand.Commit commit when commit.Step >= StateStep:
                Commit(commit);
                break;
            case WorkerCommand.Score score:
                // Before the first step only the reference is scored: with adapters it is the model without them.
                if (score.Step == 0) _state.EnsureInitialWeights();
                else if (score.Step != StateStep) throw new InvalidOperationException($"rank {_rank}: told to score with the parameters of step {score.Step}, at step {StateStep}");
                var scored = _runner.Score(Computer, Groups, score.Batch, frozenOnly: score.Step == 0);
                if (scored is not null && Groups.ReportsFigures) _report(new WorkerReport.Scored(Generation, _rank, score.Step, score.Task, scored));
                break;
        }
    }

    /// <summary>
    /// Runs the next part of the step: one forward or backward pass of a slot, or, after the last one, the reduction. Before them comes what the step's divergence needs, where
    /// the objective has one.
    /// </summary>
    public void Advance()
    {
        if (_divergence is { IsDone: false }) Diverge(_divergence);
        else if (_runner.IsDone) Reduce();
        else ComputeSlot();
    }

    /// <summary>Frees all memory except that of a snapshot in progress, without waiting for it: a successor needs the memory.</summary>
    public void Free()
    {
        // First, because its thread reads memory that the others free.
        _reduction.Dispose();
        _runner.Drop();
        _held.Dispose();
        _computer?.Dispose();
        _computer = null;
        _nccl?.Dispose();
        _standby.Dispose();
        _state.Dispose();
    }

    public void Dispose()
    {
        Free();
        _snapshots.Dispose();
    }

    private void Begin(WorkerCommand.Begin begin)
    {
        (_leftOut.All, _leftOut.PassedOver) = (begin.LeftOut, begin.PassedOver);
        var start = Stopwatch.GetTimestamp();
        Bring(new StepNumber(begin.Step - 1), begin.Transfer, begin.Standby);
        _clock.Brought(Stopwatch.GetElapsedTime(start));
        _held.Keep(begin.Keep);
        _reduced = null;
        _begun = true;
        StartSlots(begin.Compute, begin.Check);
    }

    private void Restore(WorkerCommand.Restore restore)
    {
        var start = Stopwatch.GetTimestamp();
        Bring(restore.Step, restore.Transfer, restore.Standby);
        // Of a later step, by an older generation: the copy that this rank keeps may be another one now.
        _reduced = null;
        (_computing, _begun) = (false, true);
        _report(new WorkerReport.Applied(Generation, _rank, StateStep, Stopwatch.GetElapsedTime(start).TotalSeconds, AfterCommit.Wait, null));
    }

    private void Bring(StepNumber step, StateTransfer transfer, StandbyOrder standby)
    {
        // The commit of that step reached others only.
        if (_reduced is not null && Step == step && transfer is (StateTransfer.None or StateTransfer.FromPeer)) Apply(step);
        _standby.Give(Groups, transfer, step);
        _state.Transfer(transfer, step, Groups, forget: () =>
        {
            // The gradients were computed from the state that is being replaced.
            Forget();
            _reduced = null;
        });
        if (StateStep != step) throw new InvalidOperationException($"rank {_rank}: told to go on from step {step} with the state of step {StateStep}");
        _standby.Follow(Groups, standby, _state.Replica);
        _since = Generation;
    }

    private void StartSlots(IEnumerable<SlotRange> ranges, SlotCheck? check)
    {
        foreach (var old in _fed.Keys.Where(key => key.Step <= StateStep).ToArray()) _fed.Remove(old);
        int[] slots = [.. ranges.SelectMany(range => Enumerable.Range(range.First, range.Count)).Where(slot => !_held.Holds(slot)).Order()];
        // After the last step there is nothing to compute: such a generation only restores the state of a lost rank.
        _computing = Step <= _settings.Plan.TotalSteps;
        var computed = _leftOut.Start(Step, slots);
        _runner.Start(computed, Groups.Coordinates.Pipeline, _settings.Parallel.Pipeline, _checker.Start(Step, _computing ? check : null, Groups.Coordinates.Data, _held.Holds));
        // A slot that is left out has no figures, on whatever stage; its gradient depends on nothing.
        if (_computing) _divergence?.Start(computed, isLast: Groups.Next is null, holds: _held.Figures.Values.Any(figures => figures.Length > 0), _leftOut.Of(Step));
        _underWay = null;
        _clock.BeginStep();
        if (_computing) LeaveOut();
    }

    // Nothing is computed for them, and so nothing of them can fail.
    private void LeaveOut()
    {
        foreach (var slot in _leftOut.Fill()) _report(new WorkerReport.SlotDone(Generation, _rank, Step, new SlotNumber(slot), 0));
    }

    // Before what may end this process.
    private void Tell(int? slot)
    {
        if (slot is not { } begun || _underWay == begun) return;
        _underWay = new SlotNumber(begun);
        _report(new WorkerReport.SlotBegun(Generation, _rank, Step, _underWay.Value));
    }

    private void ComputeSlot()
    {
        SlotBatch? batch = null;
        Tell(_runner.Next);
        if (_runner.Needs is { } needed)
        {
            var slot = new SlotNumber(needed);
            _settings.Faults?.AtSlot(_rank, Step, slot);
            batch = _fed[(Step, slot)];
            if (_divergence?.Value is { } divergence) batch = batch with { Divergence = divergence };
        }
        var start = Stopwatch.GetTimestamp();
        var done = _runner.Advance(Computer, Groups, batch);
        _clock.Computed(Stopwatch.GetElapsedTime(start));
        if (done is not { } result) return;
        _report(new WorkerReport.SlotDone(Generation, _rank, Step, new SlotNumber(result.Slot), result.Time.TotalSeconds));
        _leftOut.Done();
        LeaveOut();
    }

    private void Diverge(StepDivergence divergence)
    {
        var slot = divergence.Needs;
        Tell(slot);
        _settings.Faults?.AtScore(_rank, Step, slot);
        var start = Stopwatch.GetTimestamp();
        divergence.Advance(_runner, Computer, Groups, slot is { } needed ? _fed[(Step, new SlotNumber(needed))] : null);
        // The exchange waits for the slowest replica, as the reduction does.
        if (slot is null) _clock.Reduced(Stopwatch.GetElapsedTime(start), TimeSpan.Zero);
        else _clock.Computed(Stopwatch.GetElapsedTime(start));
    }

    private void DropUnfinished()
    {
        _runner.Drop();
        _divergence?.Drop();
    }

    // Slot gradients, and the divergence that they were computed with.
    private void Forget()
    {
        _held.Clear();
        _divergence?.Forget();
    }

    private void Reduce()
    {
        _settings.Faults?.AtReduce(_rank, Step);
        var start = Stopwatch.GetTimestamp();
        var reduced = _reduction.Reduce(Groups);
        var isPassedOver = _leftOut.IsPassedOver(Step);
        var (loss, more) = isPassedOver ? (double.NaN, []) : Computer.Summarize(Step, reduced.Figures);
        var fault = isPassedOver ? new StepFault("it is passed over", []) : StepFigures.Fault(StepFigures.Of(loss, reduced.Norm, more), reduced);
        _standby.Exchange(Groups, _reduction.Total);
        var metrics = new StepMetrics(loss, reduced.Norm, _state.LearningRate(Step), _settings.Plan.Tokens(Step), _settings.Plan.LossTokens(Step), more);
        (_computing, _reduced) = (false, (reduced.Norm, reduced.Hash, fault));
        _clock.Reduced(Stopwatch.GetElapsedTime(start), reduced.Overlapped);
        _settings.Faults?.AtReady(_rank, Step);
        _report(new WorkerReport.StepReady(Generation, _rank, Step, reduced.Hash, metrics, _clock.Times) { Fault = fault, Checked = _checker.Result });
    }

    private void Commit(WorkerCommand.Commit commit)
    {
        var start = Stopwatch.GetTimestamp();
        // A commit is sent again if its answer, or a peer's share of its snapshot, was lost. If its step is applied already, all but the update is repeated.
        var applies = commit.Step != StateStep;
        if (applies) Apply(commit.Step);
        if (commit.Then == AfterCommit.End) _held.Trim();
        // Before the gather, which a lost peer may abort: every rank that has applied a step must also have started its snapshot.
        if (commit.Snapshot)
        {
            var copied = Stopwatch.GetTimestamp();
            // A step that follows does not wait for a storage that is slow.
            _snapshots.Take(_state.Replica, _rank, _part.SnapshotShare(Groups.Twins.Rank, Groups.Twins.Size), commit.Then == AfterCommit.GoOn ? TimeSpan.Zero : SnapshotPatience);
            var stall = Stopwatch.GetElapsedTime(copied);
            _clock.Stalled(stall);
            _report(new WorkerReport.SnapshotTaken(_rank, StateStep, stall.TotalSeconds));
        }
        _state.RefreshWeights(Groups);
        var hash = commit.Then == AfterCommit.End && _part.HoldsEverything ? ParameterHash.Of(_part.Trained, FlatMemory.Address(_state.Replica.Master)) : null;
        _report(new WorkerReport.Applied(Generation, _rank, StateStep, Stopwatch.GetElapsedTime(start).TotalSeconds, commit.Then, hash));
        // A commit that is repeated in a new generation precedes Begin, which will assign the next step's slots.
        if (applies && _begun && commit.Then == AfterCommit.GoOn)
            StartSlots(SlotAssignment.Range(_settings.Plan.SlotsPerStep, Groups.Layout.Data, Groups.Coordinates.Data) is { } range ? [range] : [], commit.CheckNext);
    }

    private void Apply(StepNumber step)
    {
        if (step != Step || _reduced is not var (norm, _, fault))
            throw new InvalidOperationException($"rank {_rank}: told to commit step {step} without its gradient, at step {StateStep}");
        _settings.Faults?.AtApply(_rank, step);
        if (fault is null)
        {
            _state.Apply(_reduction.Total, norm);
            _standby.Apply(norm);
        }
        else
        {
            // Whoever decided it: a number that is not finite never comes into the weights.
            _state.PassOver();
            _standby.PassOver();
        }
        _reduced = null;
        Forget();
        _settings.Faults?.AtApplied(_rank, step);
    }
}
