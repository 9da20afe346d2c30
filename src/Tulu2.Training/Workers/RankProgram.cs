using System.Diagnostics;
using Tulu2.Checkpoints;
using Tulu2.Collectives;
using Tulu2.Data.Slots;
using Tulu2.Protocol.Workers;
using Tulu2.Training.Optimization;
using Tulu2.Training.Slots;
using Tulu2.Training.Workers.Overlap;

namespace Tulu2.Training.Workers;

/// <summary>
/// What a worker does, on its one thread: the steps of docs/protocol.md from a rank's side. Between two actions, and while it waits for batches or commands, it
/// takes commands; what a slot's backward pass has made is kept. After a collective was aborted it waits for the next generation.
/// </summary>
internal sealed class RankProgram : IDisposable
{
    private readonly WorkerSettings _settings;
    private readonly Mailbox _mailbox;
    private readonly Action<WorkerReport> _report;
    private readonly SlotComputerOf _computerOf;
    private readonly RankPart _part;
    private readonly RankState _state;
    private readonly HeldGradients _held;
    private readonly SlotRunner _runner;
    private readonly StepReduction _reduction;
    private readonly TensorGroupSum? _tensorSum;
    private readonly NcclTransport? _nccl;
    private readonly SnapshotWriter _snapshots;
    private readonly Dictionary<(int Step, int Slot), SlotBatch> _fed = [];
    private readonly StepClock _clock = new();
    private ISlotComputer? _computer;
    private RankGroups? _groups;
    private StepMetrics? _reduced;     // of the step whose complete gradient is held
    private bool _computing;           // slots or the reduction are to be done
    private bool _begun;               // this generation has had its Begin
    private int _rank;

    private RankProgram(WorkerSettings settings, int rank, Mailbox mailbox, Action<WorkerReport> report, SlotComputerOf computerOf)
    {
        (_settings, _mailbox, _report, _computerOf, _rank) = (settings, mailbox, report, computerOf, rank);
        var (slots, deadline) = (settings.Plan.SlotsPerStep, settings.CollectiveDeadline);
        _part = new RankPart(settings.Layout, settings.Parallel, rank);
        _state = new RankState(settings, _part);
        _held = new HeldGradients(slots, _part.Layout.Length, settings.ComputeDevice());
        _reduction = new StepReduction(slots, _part.Layout, _part.Range, _held, deadline, settings.Recipe.Parallel.Overlap,
            GradientPieces.Of(_part.Layout, settings.GradientPiece), new Lane($"sums of rank {rank}"), piece => settings.Faults?.AtPiece(_rank, Step, piece));
        _runner = new SlotRunner(_held, deadline, _clock, _reduction);
        _tensorSum = settings.Parallel.Tensor > 1 ? new TensorGroupSum(deadline, _clock) : null;
        _nccl = NcclTransport.Of(settings.Recipe.Parallel, settings.Parallel.Tensor, deadline);
        _snapshots = new SnapshotWriter(new CheckpointStore(settings.CheckpointDirectory), report);
    }

    private long Generation => _groups?.World.Generation ?? -1;
    private RankGroups Groups => _groups ?? throw new InvalidOperationException($"rank {_rank}: in no generation");
    private int StateStep => _state.Step;
    private int Step => StateStep + 1;

    /// <summary>Runs on the calling thread until <see cref="WorkerCommand.Shutdown"/> or a failure, which it reports; everything is freed before it returns.</summary>
    public static void Run(WorkerSettings settings, int rank, Mailbox mailbox, Action<WorkerReport> report, SlotComputerOf computerOf)
    {
        RankProgram program;
        try
        {
            program = new RankProgram(settings, rank, mailbox, report, computerOf);
        }
        catch (Exception fault)
        {
            report(FailureOf(-1, rank, fault));
            return;
        }
        using (program)
        {
            report(new WorkerReport.Started(settings.DataPlane.Endpoint));
            program.Run();
        }
    }

    private void Run()
    {
        try
        {
            while (true)
            {
                var command = Next();
                if (command is WorkerCommand.Shutdown) return;
                try
                {
                    if (command is null) Advance();
                    else Handle(command);
                }
                catch (CollectiveAbortedException)
                {
                    // A peer is gone or a newer generation has begun; the supervisor will say what is next.
                    _computing = false;
                    _runner.Drop();
                    _reduction.Drop();
                }
            }
        }
        catch (Exception fault)
        {
            _mailbox.Abort($"rank {_rank} failed: {Files.FaultText.Of(fault)}");
            // Whoever hears of the failure starts a successor, which needs the memory.
            Free();
            _report(FailureOf(Generation, _rank, fault));
        }
    }

    public void Dispose()
    {
        _mailbox.Enter(null);
        Free();
        _snapshots.Dispose();
    }

    private void Free()
    {
        // First of all: it reads what the others free.
        _reduction.Dispose();
        _runner.Drop();
        _held.Dispose();
        _computer?.Dispose();
        _computer = null;
        _nccl?.Dispose();
        _state.Dispose();
    }

    // Null: there is work to go on with.
    private WorkerCommand? Next()
    {
        if (_mailbox.TryTake(out var command)) return command;
        if (_computing && (_runner.Needs is not { } slot || _fed.ContainsKey((Step, slot)))) return null;
        var start = Stopwatch.GetTimestamp();
        command = _mailbox.Take();
        _clock.Waited(forData: _computing, forCommit: _reduced is not null, Stopwatch.GetElapsedTime(start));
        return command;
    }

    private void Handle(WorkerCommand command)
    {
        switch (command)
        {
            case WorkerCommand.JoinGeneration join when join.Generation >= _mailbox.Fence:
                Join(join);
                break;
            case WorkerCommand.Feed feed when feed.Batch.Step > StateStep:
                _fed[(feed.Batch.Step, feed.Batch.Slot)] = feed.Batch;
                break;
            case WorkerCommand.Begin begin when IsCurrent(begin.Generation):
                Begin(begin);
                break;
            case WorkerCommand.Commit commit when IsCurrent(commit.Generation) && commit.Step >= StateStep:
                Commit(commit);
                break;
            case WorkerCommand.Score score when IsCurrent(score.Generation):
                _state.EnsureInitialWeights();
                var scored = _runner.Score(Computer, Groups, score.Batch);
                if (scored is not null && Groups.Speaks) _report(new WorkerReport.Scored(Generation, _rank, score.Task, scored));
                break;
        }
    }

    private bool IsCurrent(long generation) => generation == Generation && generation >= _mailbox.Fence;

    private ISlotComputer Computer => _computer ??= _computerOf(_state.Replica, _tensorSum);

    private void Join(WorkerCommand.JoinGeneration join)
    {
        if (join.Generation > Generation)
        {
            _reduction.Drop();
            if (join.Endpoints.Count != _settings.Parallel.Size)
                throw new InvalidOperationException($"rank {_rank}: a generation of {join.Endpoints.Count} ranks for the layout {_settings.Parallel}");
            if (!_part.IsAlsoOf(join.Rank)) throw new InvalidOperationException($"rank {_rank}: told to play rank {join.Rank}, which holds something else");
            var world = _settings.DataPlane.Join(join.Generation, join.Rank, join.Endpoints);
            _mailbox.Enter(world);
            _groups = new RankGroups(_settings.Parallel, join.Rank, world);
            if (_tensorSum is not null) _tensorSum.Group = _groups.Tensor;
            if (_nccl is not null)
            {
                _state.ChooseDevice();
                _tensorSum!.OnDevice = _nccl.Join(_groups.Tensor, _mailbox);
            }
            (_rank, _computing, _begun) = (join.Rank, false, false);
            _runner.Drop();
        }
        _report(new WorkerReport.Joined(Generation, _rank, StateStep, _held.Ranges, _reduced is not null));
    }

    private void Begin(WorkerCommand.Begin begin)
    {
        _state.Transfer(begin.Transfer, begin.Step - 1, Groups, forget: () =>
        {
            // Gradients belong to the state they were computed with.
            _held.Clear();
            _reduced = null;
        });
        if (Step != begin.Step) throw new InvalidOperationException($"rank {_rank}: told to begin step {begin.Step} with the state of step {StateStep}");
        _held.Keep(begin.Keep);
        _reduced = null;
        _begun = true;
        StartSlots(begin.Compute);
    }

    private void StartSlots(IEnumerable<SlotRange> ranges)
    {
        foreach (var old in _fed.Keys.Where(key => key.Step <= StateStep).ToArray()) _fed.Remove(old);
        var slots = ranges.SelectMany(range => Enumerable.Range(range.First, range.Count)).Where(slot => !_held.Holds(slot)).Order();
        // Behind the last step there is nothing to compute: ranks meet there only to bring a lost one's state back.
        _computing = Step <= _settings.Plan.TotalSteps;
        _runner.Start(slots, Groups.Place.Pipeline, _settings.Parallel.Pipeline);
        _clock.BeginStep();
    }

    private void Advance()
    {
        if (_runner.IsDone) Reduce();
        else ComputeSlot();
    }

    private void ComputeSlot()
    {
        SlotBatch? batch = null;
        if (_runner.Needs is { } slot)
        {
            _settings.Faults?.AtSlot(_rank, Step, slot);
            batch = _fed[(Step, slot)];
        }
        var start = Stopwatch.GetTimestamp();
        var done = _runner.Advance(Computer, Groups, batch);
        _clock.Computed(Stopwatch.GetElapsedTime(start));
        if (done is { } result) _report(new WorkerReport.SlotDone(Generation, _rank, Step, result.Slot, result.Time.TotalSeconds));
    }

    private void Reduce()
    {
        _settings.Faults?.AtReduce(_rank, Step);
        var start = Stopwatch.GetTimestamp();
        var reduced = _reduction.Reduce(Groups);
        var (loss, more) = Computer.Summarize(Step, reduced.Figures);
        foreach (var (figure, value) in StepFigures.Of(loss, reduced.Norm, more))
            if (!double.IsFinite(value)) throw new NonFiniteStepException(Step, $"the {figure}{StepFigures.FirstSlot(reduced.Figures)}", value);
        _reduced = new StepMetrics(loss, reduced.Norm, _state.LearningRate(Step), _settings.Plan.Tokens(Step), _settings.Plan.LossTokens(Step), more);
        _computing = false;
        _clock.Reduced(Stopwatch.GetElapsedTime(start), reduced.Beside);
        _settings.Faults?.AtReady(_rank, Step);
        _report(new WorkerReport.StepReady(Generation, _rank, Step, reduced.Hash, _reduced, _clock.Times));
    }

    private void Commit(WorkerCommand.Commit commit)
    {
        var start = Stopwatch.GetTimestamp();
        // A commit of the step already applied comes again where its answer, or a peer's part of its snapshot, was lost: all but the update is done again.
        var applies = commit.Step != StateStep;
        if (applies) Apply(commit.Step);
        if (commit.Last) _held.Trim();
        // Before the gather, which a peer's end may cut off: who has applied a step has also begun its snapshot, and nobody waits for it in vain.
        if (commit.Snapshot) _snapshots.Take(_state.Replica, _rank, _part.SnapshotShare(_rank));
        _state.RefreshWeights(Groups);
        var hash = commit.Last && _part.HoldsEverything ? ParameterHash.Of(_part.Layout, FlatMemory.Address(_state.Replica.Master)) : null;
        _report(new WorkerReport.Applied(Generation, _rank, StateStep, Stopwatch.GetElapsedTime(start).TotalSeconds, hash));
        // A commit repeated in a new generation comes before its Begin, which then says how the next step is shared out.
        if (applies && _begun && !commit.Last)
            StartSlots(SlotAssignment.Range(_settings.Plan.SlotsPerStep, _settings.Parallel.Data, Groups.Place.Data) is { } range ? [range] : []);
    }

    private void Apply(int step)
    {
        if (step != Step || _reduced is null)
            throw new InvalidOperationException($"rank {_rank}: told to commit step {step} without its gradient, at step {StateStep}");
        _settings.Faults?.AtApply(_rank, step);
        _state.Apply(_reduction.Total, _reduced.GradientNorm);
        _reduced = null;
        _held.Clear();
        _settings.Faults?.AtApplied(_rank, step);
    }

    internal static WorkerReport.Failed FailureOf(long generation, int rank, Exception fault) => fault switch
    {
        Files.BadInputException bad => new(generation, rank, bad.Message, bad.ToString(), bad.Where, bad.Fix),
        Files.NonFiniteException number => new(generation, rank, number.Message, number.ToString(), null, number.Fix),
        _ => new(generation, rank, Files.FaultText.Of(fault), fault.ToString(), null, null),
    };
}
