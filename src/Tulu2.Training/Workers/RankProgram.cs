using System.Diagnostics;
using Tulu2.Checkpoints;
using Tulu2.Collectives;
using Tulu2.Data.Slots;
using Tulu2.Training.Optimization;
using Tulu2.Training.Slots;

namespace Tulu2.Training.Workers;

/// <summary>
/// What a worker does, on its one thread: the steps of docs/protocol.md from a rank's side. Between two slots, and while it waits, it takes commands;
/// a slot once begun is finished and kept. After a collective was aborted it waits for the next generation.
/// </summary>
internal sealed class RankProgram(
    WorkerSettings settings, int rank, Mailbox mailbox, Action<WorkerReport> report, Func<ReplicaState, ISlotComputer> computerOf) : IDisposable
{
    private readonly HeldGradients _held = new(settings.Plan.SlotsPerStep, settings.Layout.Length);
    private readonly Dictionary<(int Step, int Slot), SlotBatch> _fed = [];
    private readonly Queue<int> _slots = new();
    private readonly UpdateRule _rule = new(settings.Recipe, settings.Layout, settings.Plan.TotalSteps);
    private readonly CheckpointStore _store = new(settings.CheckpointDirectory);
    private readonly StepClock _clock = new();
    private SnapshotWriter? _snapshots;
    private ReplicaState? _state;
    private ISlotComputer? _computer;
    private ICollective? _collective;
    private StepMetrics? _reduced;     // of the step whose complete gradient is held
    private bool _initial;             // the state is the recipe's initial one, untouched
    private bool _computing;           // slots or the reduction are to be done
    private bool _begun;               // this generation has had its Begin
    private int _rank = rank;

    private long Generation => _collective?.Generation ?? -1;
    private int Rank => _rank;
    private int StateStep => _state?.Step ?? ReplicaState.NoStep;
    private int Step => StateStep + 1;

    /// <summary>Runs on the calling thread until <see cref="WorkerCommand.Shutdown"/> or a failure, which it reports; everything is freed before it returns.</summary>
    public static void Run(WorkerSettings settings, int rank, Mailbox mailbox, Action<WorkerReport> report, Func<ReplicaState, ISlotComputer> computerOf)
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
                }
            }
        }
        catch (Exception fault)
        {
            mailbox.Abort($"rank {Rank} failed: {fault.Message}");
            // Whoever hears of the failure starts a successor, which needs the memory.
            Free();
            report(FailureOf(Generation, Rank, fault));
        }
    }

    public void Dispose()
    {
        mailbox.Enter(null);
        Free();
        _snapshots?.Dispose();
    }

    private void Free()
    {
        _held.Dispose();
        _computer?.Dispose();
        _state?.Dispose();
        (_computer, _state) = (null, null);
    }

    // Null: there is work to go on with.
    private WorkerCommand? Next()
    {
        if (mailbox.TryTake(out var command)) return command;
        if (_computing && (_slots.Count == 0 || _fed.ContainsKey((Step, _slots.Peek())))) return null;
        var start = Stopwatch.GetTimestamp();
        command = mailbox.Take();
        _clock.Waited(forData: _computing, forCommit: _reduced is not null, Stopwatch.GetElapsedTime(start));
        return command;
    }

    private void Handle(WorkerCommand command)
    {
        switch (command)
        {
            case WorkerCommand.JoinGeneration join when join.Generation >= mailbox.Fence:
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
                EnsureInitialWeights();
                report(new WorkerReport.Scored(Generation, Rank, score.Task, Computer.Score(score.Batch)));
                break;
        }
    }

    private bool IsCurrent(long generation) => generation == Generation && generation >= mailbox.Fence;

    private ISlotComputer Computer => _computer ??= computerOf(_state!);

    private void Join(WorkerCommand.JoinGeneration join)
    {
        if (join.Generation > Generation)
        {
            _collective = settings.DataPlane.Join(join.Generation, join.Rank, join.Endpoints);
            mailbox.Enter(_collective);
            (_rank, _computing, _begun) = (join.Rank, false, false);
            _slots.Clear();
        }
        report(new WorkerReport.Joined(Generation, Rank, StateStep, _held.Ranges, _reduced is not null));
    }

    private void Begin(WorkerCommand.Begin begin)
    {
        Transfer(begin);
        if (Step != begin.Step) throw new InvalidOperationException($"rank {Rank}: told to begin step {begin.Step} with the state of step {StateStep}");
        _held.Keep(begin.Keep);
        _reduced = null;
        _begun = true;
        StartSlots(begin.Compute);
    }

    private void StartSlots(IEnumerable<SlotRange> ranges)
    {
        foreach (var old in _fed.Keys.Where(key => key.Step <= StateStep).ToArray()) _fed.Remove(old);
        _slots.Clear();
        foreach (var slot in ranges.SelectMany(range => Enumerable.Range(range.First, range.Count)).Where(slot => !_held.Holds(slot)).Order()) _slots.Enqueue(slot);
        // Behind the last step there is nothing to compute: ranks meet there only to bring a lost one's state back.
        _computing = Step <= settings.Plan.TotalSteps;
        _clock.BeginStep();
    }

    private void Transfer(WorkerCommand.Begin begin)
    {
        switch (begin.Transfer)
        {
            case StateTransfer.FromRecipe:
                ForgetStep();
                EnsureInitialWeights();
                _state!.Step = 0;
                break;
            case StateTransfer.FromManifest manifest:
                ForgetStep();
                StateTransfers.Load(_store, manifest.Path, NewState(), settings.Layout);
                break;
            case StateTransfer.FromPeer peer:
                if (peer.Copies.Any(copy => copy.Receivers.Contains(Rank)))
                {
                    ForgetStep();
                    NewState();
                }
                StateTransfers.Send(_collective!, peer, _state!, settings.Layout, settings.CollectiveDeadline);
                _state!.Step = begin.Step - 1;
                break;
        }
    }

    // Held gradients belong to the state they were computed with.
    private void ForgetStep()
    {
        _held.Clear();
        _reduced = null;
        if (_state is not null) _state.Step = ReplicaState.NoStep;
    }

    // The buffers, with content that is about to be replaced.
    private ReplicaState NewState()
    {
        _initial = false;
        return _state ??= new ReplicaState(settings.Layout, settings.Recipe.Precision);
    }

    private void EnsureInitialWeights()
    {
        if (_initial && StateStep <= 0) return;
        if (StateStep > 0) throw new InvalidOperationException($"rank {Rank}: asked for the initial weights at step {StateStep}");
        NewState().Initialize(settings.Recipe);
        _initial = true;
    }

    private void Advance()
    {
        if (_slots.TryDequeue(out var slot)) ComputeSlot(_fed[(Step, slot)]);
        else Reduce();
    }

    private void ComputeSlot(SlotBatch batch)
    {
        settings.Faults?.AtSlot(Rank, Step, batch.Slot);
        var start = Stopwatch.GetTimestamp();
        var gradient = _held.Rent();
        var figures = Computer.Compute(batch, gradient);
        _held.Add(batch.Slot, gradient, figures);
        var elapsed = Stopwatch.GetElapsedTime(start);
        _clock.Computed(elapsed);
        report(new WorkerReport.SlotDone(Generation, Rank, Step, batch.Slot, elapsed.TotalSeconds));
    }

    private void Reduce()
    {
        settings.Faults?.AtReduce(Rank, Step);
        var start = Stopwatch.GetTimestamp();
        var figures = SlotFigures.Read(settings.Plan.SlotsPerStep, _collective!.AllGather(SlotFigures.Write(_held.Figures), settings.CollectiveDeadline));
        // All ranks have their slots: from here on an abort loses them, because the sum may overwrite its terms.
        var total = _held.Rent();
        try
        {
            _collective.TreeSum(settings.Plan.SlotsPerStep, _held.Partials(), new ElementRange(0, settings.Layout.Length), FlatMemory.Address(total), settings.Layout.Length, settings.CollectiveDeadline);
        }
        catch
        {
            _held.Clear();
            _held.Return(total);
            throw;
        }
        _held.Complete(total, figures);

        var norm = _rule.Norm(total);
        var (loss, preference) = Computer.Summarize(Step, figures);
        if (!double.IsFinite(loss)) throw new NonFiniteStepException(Step, "the loss", loss);
        if (!double.IsFinite(norm)) throw new NonFiniteStepException(Step, "the gradient norm", norm);
        _reduced = new StepMetrics(loss, norm, _rule.LearningRate(Step), settings.Plan.Tokens(Step), settings.Plan.LossTokens(Step), preference);
        var hash = GradientHash.Of(FlatMemory.Address(total), settings.Layout.Length);
        _computing = false;
        _clock.Reduced(Stopwatch.GetElapsedTime(start));
        settings.Faults?.AtReady(Rank, Step);
        report(new WorkerReport.StepReady(Generation, Rank, Step, hash, _reduced, _clock.Times));
    }

    private void Commit(WorkerCommand.Commit commit)
    {
        var start = Stopwatch.GetTimestamp();
        // A commit of the step already applied comes again where its answer, or a peer's part of its snapshot, was lost: all but the update is done again.
        var applies = commit.Step != StateStep;
        if (applies) Apply(commit.Step);
        if (commit.Last) _held.Trim();
        var hash = commit.Last ? ParameterHash.Of(settings.Layout, FlatMemory.Address(_state!.Master)) : null;
        report(new WorkerReport.Applied(Generation, Rank, StateStep, Stopwatch.GetElapsedTime(start).TotalSeconds, hash));
        if (commit.Snapshot)
            (_snapshots ??= new SnapshotWriter(settings.Layout, _store, report)).Take(_state!, Rank, _collective!.Size);
        // A commit repeated in a new generation comes before its Begin, which then says how the next step is shared out.
        if (applies && _begun && !commit.Last)
            StartSlots(SlotAssignment.Range(settings.Plan.SlotsPerStep, _collective!.Size, Rank) is { } range ? [range] : []);
    }

    private void Apply(int step)
    {
        if (step != Step || _reduced is null)
            throw new InvalidOperationException($"rank {Rank}: told to commit step {step} without its gradient, at step {StateStep}");
        settings.Faults?.AtApply(Rank, step);
        var state = _state!;
        _rule.Apply(state.Master, _held.Total, state.FirstMoment, state.SecondMoment, step, _reduced.GradientNorm);
        state.RefreshWeights();
        state.Step = step;
        (_reduced, _initial) = (null, false);
        _held.Clear();
        settings.Faults?.AtApplied(Rank, step);
    }

    internal static WorkerReport.Failed FailureOf(long generation, int rank, Exception fault) => fault switch
    {
        Files.BadInputException bad => new(generation, rank, bad.Message, bad.ToString(), bad.Where, bad.Mend),
        // The same numbers would come again: not a fault that a restart mends.
        NonFiniteStepException step => new(generation, rank, step.Message, step.ToString(), $"step {step.Step}", NonFiniteStepException.Mend),
        _ => new(generation, rank, fault.Message, fault.ToString(), null, null),
    };
}
