using Tulu2.Checkpoints;
using Tulu2.Collectives;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;

namespace Tulu2.Simulation.Model;

/// <summary>Bringing a state, making a step, applying it.</summary>
internal sealed partial class WorkerModel
{
    private async Task BeginAsync(WorkerCommand.Begin begin)
    {
        await BringAsync(new StepNumber(begin.Step - 1), begin.Transfer, begin.Standby);
        var keep = Each(begin.Keep).ToHashSet();
        foreach (var slot in _held.Keys.Where(slot => !keep.Contains(slot)).ToArray()) _held.Remove(slot);
        if (keep.Any(slot => !_held.ContainsKey(slot))) Violated("is to keep a slot that it does not hold");
        (_reduced, _begun) = (null, true);
        StartSlots(begin.Compute, begin.Check);
    }

    private async Task RestoreAsync(WorkerCommand.Restore restore)
    {
        await BringAsync(restore.Step, restore.Transfer, restore.Standby);
        _reduced = null;
        (_computing, _begun) = (false, true);
        Report(new WorkerReport.Applied(_generation, Rank, _step, 0.001, AfterCommit.Wait, null));
    }

    private async Task BringAsync(StepNumber step, StateTransfer transfer, StandbyOrder standby)
    {
        if (_reduced is not null && Next == step && transfer is (StateTransfer.None or StateTransfer.FromPeer)) Apply(step);
        var copies = transfer is StateTransfer.FromPeer peer ? peer.Copies : [];
        if (_kept is { } kept && copies.Any(copy => copy.Root == Rank && copy.Receivers.Contains(kept.Of)))
        {
            if (kept.Step != step) Violated($"is to restore rank {kept.Of} to step {step} from its copy of step {kept.Step}");
            await MeetAsync("restore", kept.Of, Ascending(Rank, kept.Of), kept.State);
        }
        switch (transfer)
        {
            case StateTransfer.FromRecipe:
                await PauseAsync(_world.About(_world.Times.Load));
                Replace(Arithmetic.Initial(Part), default);
                break;
            case StateTransfer.FromManifest manifest:
                await LoadAsync(manifest.Path);
                break;
            case StateTransfer.FromPeer:
                await ReceiveAsync(copies, step);
                break;
        }
        if (_step != step)
        {
            Violated($"is to go on from step {step}");
            throw new AbortedException();
        }
        await FollowAsync(standby);
        _weights = _step;
    }

    private async Task LoadAsync(string path)
    {
        // The manifest is read at the beginning, the shards when their turn comes.
        var manifest = _world.Disk.Manifests.Values.FirstOrDefault(manifest => manifest.Path == path);
        await PauseAsync(_world.About(_world.Times.Load));
        StoredShard[] shares = [.. (manifest?.Shards ?? []).Select(shard => _world.Disk.Shards.GetValueOrDefault(shard.Sha256)).OfType<StoredShard>()
            .Where(stored => _world.Arithmetic.PartOf(stored.Rank) == Part)];
        if (shares is not [var found, ..] || shares.Length != found.Shares)
        {
            Violated($"cannot load {path}: {(manifest is null ? "there is no such manifest" : "a shard is missing")}");
            throw new AbortedException();
        }
        Replace(found.State, new StepNumber(found.Step));
    }

    private async Task ReceiveAsync(IReadOnlyList<PeerCopy> copies, StepNumber step)
    {
        var twins = _roster.Twins(Rank);
        foreach (var copy in copies.Where(copy => copy.Root == Rank || copy.Receivers.Contains(Rank)))
        {
            if (twins.Contains(copy.Root) && twins.Contains(copy.Receivers[0]))
            {
                if (copy.Root == Rank && _step != step) Violated($"is to give its twins the state of step {step}");
                var given = await MeetAsync("copy", copy.Root, [.. copy.Receivers.Append(copy.Root).Select(rank => rank.Value).Order()], _state);
                if (copy.Root != Rank) Replace((long)given[copy.Root], step);
            }
            else if (copy.Root != Rank)
            {
                var given = await MeetAsync("restore", Rank, Ascending(Rank, copy.Root), 0L);
                Replace((long)given[copy.Root], step);
            }
        }
    }

    private async Task FollowAsync(StandbyOrder order)
    {
        _keepers = order.Keepers;
        if (order.Keepers.Count == 0)
        {
            _kept = null;
            return;
        }
        var ward = Rank.All(order.Keepers.Count).First(rank => order.Keepers[rank] == Rank);
        if (_kept is { } other && other.Of != ward) _kept = null;
        var receives = order.Renewed.Contains(ward);
        if (receives) _kept = null;
        else if (_kept?.Step != _step) Violated($"is to have the copy of rank {ward}, and has {_kept}");
        var keeper = order.Keepers[Rank];
        var sent = order.Renewed.Contains(Rank) ? MeetAsync("renew", Rank, Ascending(Rank, keeper), _state) : null;
        if (receives) _kept = (ward, _step, (long)(await MeetAsync("renew", ward, Ascending(Rank, ward), 0L))[ward]);
        if (sent is not null) await sent;
    }

    private void StartSlots(IEnumerable<SlotRange> ranges, SlotCheck? check)
    {
        var isSame = Next == _checked && check is not null && check.Slot == _check?.Slot && _held.ContainsKey(check.Slot);
        (_checked, _check, _own, _repeated) = (Next, check, isSame ? _own : null, null);
        _again = check is not null && Next <= _world.Shape.Steps && check.Replicas.Contains(_roster.ReplicaOf(Rank)) ? check.Slot : null;
        _fed.RemoveWhere(fed => fed.Step <= _step);
        _todo.Clear();
        foreach (var slot in Each(ranges).Where(slot => !_held.ContainsKey(slot))) _todo.Enqueue(slot);
        _computing = Next <= _world.Shape.Steps;
    }

    private async Task AdvanceAsync()
    {
        if (_again is { } again)
        {
            await PauseAsync(_world.About(_world.Times.Slot));
            _repeated = $"{Gradient(again):x16}";
            _again = null;
            return;
        }
        if (_todo.TryPeek(out var slot))
        {
            await PauseAsync(_world.About(_world.Times.Slot));
            // Whatever was to be done may have changed only through a command, and none was handled.
            _todo.Dequeue();
            _held[slot] = Gradient(slot);
            if (_check?.Slot.Value == slot) _own = $"{_held[slot]:x16}";
            _world.Invariants.Computed(Rank, Next, slot);
            Report(new WorkerReport.SlotDone(_generation, Rank, Next, new SlotNumber(slot), 0.04));
            return;
        }
        var gathered = await MeetAsync("reduce", Next, At(Enumerable.Range(0, Layout.Size)), _held.ToArray());
        var (hash, totals) = gathered.Once(brought => Tuple.Create(HashOf(brought, out var sums), sums));
        if (_keepers.Count > 0 && _kept is { } kept) _keptGradient = totals[_world.Arithmetic.PartOf(kept.Of)];
        (_computing, _reduced) = (false, (hash, totals[Part]));
        if (IsCorrupt)
        {
            (IsCorrupt, _reduced) = (false, ("corrupt", totals[Part] + 1));
            hash = $"corrupt-{Rank}-{_world.Loop.Random.Next()}";
        }
        Report(_world.Mutation.Says(new WorkerReport.StepReady(_generation, Rank, Next, hash, new StepMetrics(1, 1, 1, 1, 1, []), new StepTimes(0, 0, 0, 0))
        {
            Checked = _check is { } check && (_own ?? _repeated) is not null ? new CheckedSlot(check.Slot, _own, _repeated) : null,
        }));
    }

    /// <summary>Its next sum is wrong.</summary>
    public bool IsCorrupt { get; set; }

    /// <summary>It computes the next slot that is checked wrongly.</summary>
    public bool Miscomputes { get; set; }

    private long Gradient(int slot)
    {
        var gradient = Arithmetic.Gradient(Part, _state, Next, slot);
        if (!Miscomputes || _check?.Slot.Value != slot) return gradient;
        Miscomputes = false;
        return gradient + 1;
    }

    private string HashOf(IReadOnlyDictionary<int, object> gathered, out long[] totals) =>
        Arithmetic.Hash(totals = [.. Enumerable.Range(0, _world.Arithmetic.Parts).Select(place => Total(gathered, place))]);

    // The tree sum over the ranks that hold the same parameters; the first places hold each part once.
    private long Total(IReadOnlyDictionary<int, object> gathered, int place)
    {
        var total = 0L;
        var slots = 0;
        foreach (var member in At(Layout.DataGroup(place)))
            foreach (var (_, gradient) in (KeyValuePair<int, long>[])gathered[member]) (total, slots) = (unchecked(total + gradient), slots + 1);
        if (slots != _world.Shape.Slots) Violated($"step {Next} is reduced with {slots} of {_world.Shape.Slots} slots in the group of part {place}");
        return total;
    }

    private async Task CommitAsync(WorkerCommand.Commit commit)
    {
        var applies = commit.Step != _step;
        if (applies) Apply(commit.Step);
        if (commit.Snapshot) Snapshot();
        var zero = At(Layout.ZeroGroup(Place));
        if (zero.Length > 1) await MeetAsync("gather", commit.Step, zero, 0L);
        _weights = _step;
        Report(new WorkerReport.Applied(_generation, Rank, _step, 0.001, commit.Then, null));
        if (applies && _begun && commit.Then == AfterCommit.GoOn)
            StartSlots(SlotAssignment.Range(_world.Shape.Slots, Layout.Data, _roster.ReplicaOf(Rank)) is { } range ? [range] : [], commit.CheckNext);
    }

    private void Apply(StepNumber step)
    {
        if (step != Next || _reduced is not var (hash, total))
        {
            Violated($"is to commit step {step} without its gradient");
            throw new AbortedException();
        }
        if (_kept is { } kept) _kept = (kept.Of, kept.Step.Next(), Arithmetic.Update(_world.Arithmetic.PartOf(kept.Of), kept.State, _keptGradient));
        Replace(Arithmetic.Update(Part, _state, total), step);
        _world.Invariants.Applied(this, hash);
    }

    private void Snapshot()
    {
        // Twins share the writing of what they all have.
        var twins = _roster.Twins(Rank);
        var stored = new StoredShard(_step, Rank, _state, twins.Count(twin => twin < Rank), twins.Count);
        var step = _step;
        Process.After(_world.About(_world.Times.Shard), () =>
        {
            if (_world.Disk.IsFull)
            {
                Report(new WorkerReport.SnapshotFailed(Rank, step, "no space left on the disk"));
                return;
            }
            _world.Disk.Shards[stored.Name] = stored;
            Report(new WorkerReport.ShardWritten(Rank, step, new ShardEntry(stored.Name, 1, [])));
        });
    }

    private async Task ScoreAsync(WorkerCommand.Score score)
    {
        if (score.Step != _step || score.Step != _weights)
        {
            Violated($"is to score with the parameters of step {score.Step}");
            return;
        }
        await PauseAsync(_world.About(_world.Times.Slot));
        var place = Layout.CoordinatesOf(Place);
        if (place.Tensor == 0 && place.Pipeline == Layout.Pipeline - 1)
            Report(new WorkerReport.Scored(_generation, Rank, score.Step, score.Task, [score.Task + 1]));
    }

    private void Replace(long state, StepNumber step)
    {
        (_state, _step, _reduced) = (state, step, null);
        _held.Clear();
    }

    private static IEnumerable<int> Each(IEnumerable<SlotRange> ranges) => ranges.SelectMany(range => Enumerable.Range(range.First, range.Count));

    private static int[] Ascending(int one, int other) => one < other ? [one, other] : [other, one];
}
