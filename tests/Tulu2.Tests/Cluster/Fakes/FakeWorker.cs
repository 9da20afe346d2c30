using Tulu2.Checkpoints;
using Tulu2.Cluster;
using Tulu2.Collectives;
using Tulu2.Collectives.Layout;
using Tulu2.Data.Slots;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;

namespace Tulu2.Tests.Cluster.Fakes;

/// <summary>A worker that obeys the protocol with integers in place of tensors, on a thread of its own or as a simulation says.</summary>
internal sealed class FakeWorker : IWorker
{
    private readonly FakeCluster _cluster;
    private readonly int _worker;
    private readonly Action<WorkerReport> _report;
    private readonly DedicatedThread? _thread;
    private readonly Action<Action> _queue;
    private readonly Dictionary<int, long> _held = [];
    private readonly Dictionary<(int, int), SlotBatch> _fed = [];
    private readonly Queue<int> _todo = new();
    private readonly Rank _rank;
    private Roster _roster = Roster.Whole(new ParallelLayout(1));
    private Generation _generation = Generation.None;
    private long _fence = -1;
    private StepNumber _stateStep = new(-1);
    private long _value;
    private long? _reduced;
    private bool _computing;
    private bool _dead;

    // The copy that it keeps of another rank's state.
    private (Rank Of, StepNumber Step, long Value)? _keeps;

    // What came while another rank's state is awaited; null: none is.
    private Queue<WorkerCommand>? _untilThere;

    /// <param name="queue">Takes what the worker has to do, in order; null: a thread does it.</param>
    public FakeWorker(FakeCluster cluster, Rank rank, int worker, Action<WorkerReport> report, Action<Action>? queue = null)
    {
        (_cluster, _rank, _worker, _report) = (cluster, rank, worker, report);
        _thread = queue is null
            ? new DedicatedThread($"fake rank {rank}", fault => report(new WorkerReport.Failed(Generation.None, rank, fault.Message, $"{fault}", null, null)))
            : null;
        _queue = queue ?? _thread!.Post;
        Post(() => report(new WorkerReport.Started("fake")));
    }

    public void Send(WorkerCommand command)
    {
        // As a real worker does: a newer generation forbids what is still in the queue of an older one.
        if (command is WorkerCommand.JoinGeneration join) Interlocked.Exchange(ref _fence, Math.Max(Interlocked.Read(ref _fence), join.Generation));
        Post(() => Handle(command));
    }

    private bool IsCurrent(Generation generation) => generation == _generation && generation >= Interlocked.Read(ref _fence);

    public void Dispose()
    {
        if (_thread is null) _dead = true;
        else Post(() => _dead = true);
        _thread?.Dispose();
        _thread?.Completion.Wait();
        _cluster.HasEnded();
    }

    private void Post(Action work)
    {
        try
        {
            _queue(() =>
            {
                if (!_dead) work();
            });
        }
        catch (InvalidOperationException)
        {
            // Disposed: nobody listens.
        }
    }

    private void Handle(WorkerCommand command)
    {
        switch (command)
        {
            case WorkerCommand.JoinGeneration join:
                if (Meets(At.Join, _stateStep + 1)) return;
                if (join.Generation > _generation)
                {
                    (_generation, _roster, _computing) = (join.Generation, new Roster(_cluster.Layout ?? new ParallelLayout(join.Endpoints.Count), join.Ranks), false);
                    _todo.Clear();
                    _untilThere = null;
                }
                _report(new WorkerReport.Joined(_generation, _rank, _stateStep, Ranges.Of(_held.Keys), _reduced is { } sum ? $"{sum:x16}" : null)
                {
                    Keeps = _keeps is { } kept ? new StandbyCopy(kept.Of, kept.Step) : null,
                });
                break;
            case WorkerCommand.OfGeneration late when IsCurrent(late.Generation) && _untilThere is { } untilThere:
                // A real worker waits in the transfer.
                untilThere.Enqueue(late);
                break;
            case WorkerCommand.Begin begin when IsCurrent(begin.Generation):
                Transfer(begin.Transfer, begin.Standby, new StepNumber(begin.Step - 1), () => Begin(begin.Keep, begin.Compute));
                break;
            case WorkerCommand.Restore restore when IsCurrent(restore.Generation):
                Transfer(restore.Transfer, restore.Standby, restore.Step, () =>
                {
                    _computing = false;
                    _report(new WorkerReport.Applied(_generation, _rank, _stateStep, 0.001, AfterCommit.Wait, null));
                });
                break;
            case WorkerCommand.Feed feed:
                _fed[(feed.Batch.Step, feed.Batch.Slot)] = feed.Batch;
                Pump();
                break;
            case WorkerCommand.Commit commit when IsCurrent(commit.Generation):
                Commit(commit);
                break;
            case WorkerCommand.Score score when IsCurrent(score.Generation):
                if (Meets(At.Score, score.Task)) return;
                if (score.Step > 0 && score.Step != _stateStep)
                {
                    Ends(Fault.Fail);
                    return;
                }
                var place = _roster.Layout.CoordinatesOf(_roster.PlaceOf(_rank));
                if (place.Tensor == 0 && place.Pipeline == _roster.Layout.Pipeline - 1)
                    _report(new WorkerReport.Scored(_generation, _rank, score.Step, score.Task, [score.Step > 0 ? FakeCluster.Score(_value, score.Batch) : score.Batch.Ids[0]]));
                break;
        }
    }

    private void Transfer(StateTransfer transfer, StandbyOrder standby, StepNumber step, Action then)
    {
        if (transfer is (StateTransfer.None or StateTransfer.FromPeer) && _reduced is { } gradient && _stateStep.Next() == step) Update(gradient, step);
        switch (transfer)
        {
            case StateTransfer.None:
                break;
            case StateTransfer.FromRecipe:
                Take(0, default);
                break;
            case StateTransfer.FromManifest manifest:
                Take(_cluster.Snapshots[int.Parse(manifest.Path)], new StepNumber(int.Parse(manifest.Path)));
                break;
            case StateTransfer.FromPeer peer when peer.Copies.FirstOrDefault(copy => copy.Root == _rank) is { Receivers: var receivers }:
                if (_roster.Twins(_rank).Contains(receivers[0])) _cluster.SendState(_generation, _rank, _value);
                else if (_keeps is { } copy && receivers.SequenceEqual([copy.Of]) && copy.Step == step) _cluster.SendState(_generation, _rank, copy.Value);
                else _cluster.Violations.Enqueue($"rank {_rank} is to restore {string.Join(", ", receivers)} to step {step}, and keeps {_keeps}");
                break;
            case StateTransfer.FromPeer peer when peer.Copies.FirstOrDefault(copy => copy.Receivers.Contains(_rank)) is { } copy:
                Await(copy.Root, value =>
                {
                    Take(value, step);
                    Follow(standby, then);
                });
                return;
        }
        if (_stateStep != step) _cluster.Violations.Enqueue($"rank {_rank} has step {_stateStep} and is told to go on from {step}");
        Follow(standby, then);
    }

    private void Follow(StandbyOrder order, Action then)
    {
        const int Owner = 1000;
        if (order.Renewed.Contains(_rank)) _cluster.SendState(_generation, Owner + _rank, _value);
        var ward = order.Keepers.ToList().IndexOf(_rank);
        if (ward >= 0 && order.Renewed.Contains(new Rank(ward)))
        {
            _keeps = null;
            var step = _stateStep;
            Await(Owner + ward, value =>
            {
                _keeps = (new Rank(ward), step, value);
                then();
            });
            return;
        }
        if (ward < 0) _keeps = null;
        else if (_keeps is not { } kept || kept.Of != ward || kept.Step != _stateStep)
            _cluster.Violations.Enqueue($"rank {_rank} is to have the copy of rank {ward} at step {_stateStep}, and keeps {_keeps}");
        then();
    }

    private void Await(int sender, Action<long> then)
    {
        var generation = _generation;
        var late = _untilThere = new Queue<WorkerCommand>();
        _cluster.ReceiveState(generation, sender, value => Post(() =>
        {
            if (generation != _generation) return;
            _untilThere = null;
            then(value);
            while (late.TryDequeue(out var command)) Handle(command);
        }));
    }

    private void Update(long gradient, StepNumber step)
    {
        if (_keeps is { } kept) _keeps = (kept.Of, kept.Step.Next(), FakeCluster.Update(kept.Value, gradient));
        Take(FakeCluster.Update(_value, gradient), step);
        _cluster.Applied.Enqueue((_rank, _worker, step, _value));
    }

    private void Take(long value, StepNumber step)
    {
        (_value, _stateStep, _reduced) = (value, step, null);
        _held.Clear();
    }

    private void Begin(IReadOnlyList<SlotRange> keep, IReadOnlyList<SlotRange> compute)
    {
        var kept = Ranges.Each(keep).ToHashSet();
        foreach (var slot in _held.Keys.Where(slot => !kept.Contains(slot)).ToArray()) _held.Remove(slot);
        if (kept.Any(slot => !_held.ContainsKey(slot))) _cluster.Violations.Enqueue($"rank {_rank} is to keep a slot it does not hold");
        _reduced = null;
        StartStep(compute);
    }

    private void StartStep(IReadOnlyList<SlotRange> compute)
    {
        _todo.Clear();
        foreach (var slot in Ranges.Each(compute)) _todo.Enqueue(slot);
        _computing = true;
        Pump();
    }

    private void Pump()
    {
        var step = _stateStep.Next();
        while (_computing && _todo.TryPeek(out var slot))
        {
            if (!_fed.TryGetValue((step, slot), out var batch)) return;
            if (Meets(At.Slot, step)) return;
            _todo.Dequeue();
            _held[slot] = FakeCluster.Gradient(_value, batch);
            _cluster.Computed.Enqueue((_rank, step, slot));
            _report(new WorkerReport.SlotDone(_generation, _rank, step, new SlotNumber(slot), 0.001));
        }
        if (!_computing) return;
        _computing = false;
        var generation = _generation;
        _cluster.Meet(generation, step, _rank, _roster, new(_held), sum => Post(() => Ready(generation, step, sum)));
    }

    private void Ready(Generation generation, StepNumber step, long sum)
    {
        if (generation != _generation) return;
        var fault = _cluster.TakeFault(At.Ready, _rank, step);
        if (Ends(fault)) return;
        _reduced = sum;
        var hash = fault == Fault.Corrupt ? $"corrupt-{_worker}" : $"{sum:x16}";
        _report(new WorkerReport.StepReady(
            generation, _rank, step, hash, new StepMetrics(step / 10.0, 1, 1e-3, 10 * _cluster.Slots, _cluster.Slots, []), new StepTimes(0.001, 0, 0, 0)));
    }

    private void Commit(WorkerCommand.Commit commit)
    {
        if (commit.Step == _stateStep)
        {
            Applied(commit);
            return;
        }
        if (commit.Step != _stateStep + 1 || _reduced is not { } gradient)
        {
            _cluster.Violations.Enqueue($"rank {_rank} at step {_stateStep} is told to commit {commit.Step}");
            return;
        }
        if (Meets(At.Commit, commit.Step)) return;
        Update(gradient, commit.Step);
        if (Meets(At.Applied, commit.Step)) return;
        Applied(commit);
        if (commit.Then == AfterCommit.GoOn) StartStep(SlotAssignment.Range(_cluster.Slots, _roster.Layout.Data, _roster.ReplicaOf(_rank)) is { } range ? [range] : []);
    }

    private void Applied(WorkerCommand.Commit commit)
    {
        _report(new WorkerReport.Applied(_generation, _rank, commit.Step, 0.001, commit.Then, commit.Then == AfterCommit.End ? $"{_value:x16}" : null));
        if (commit.Snapshot) Snapshot(commit.Step);
    }

    private void Snapshot(StepNumber step)
    {
        var value = _value;
        _cluster.OnSnapshot(_rank, step, () =>
        {
            if (_cluster.SnapshotError(_rank, step) is { } error)
            {
                _report(new WorkerReport.SnapshotFailed(_rank, step, error));
                return;
            }
            _cluster.Snapshots[step] = value;
            var slice = new TensorSlice($"part.{_rank}", [1], [0], [1]);
            _report(new WorkerReport.ShardWritten(_rank, step, new ShardEntry($"{step}-{_rank}", 8, [new ShardTensor(StateKind.Parameter, slice)])));
        });
    }

    private bool Meets(At at, int step) => Ends(_cluster.TakeFault(at, _rank, step));

    private bool Ends(Fault? fault)
    {
        if (fault is not (Fault.Fail or Fault.BadInput or Fault.Hang)) return false;
        _dead = true;
        if (fault == Fault.Fail) _report(new WorkerReport.Failed(_generation, _rank, $"rank {_rank} broke", "at a fault", null, null));
        if (fault == Fault.BadInput) _report(new WorkerReport.Failed(_generation, _rank, "bad row", "", "rows.jsonl:3", "correct it"));
        return true;
    }
}
