using System.Collections.Immutable;
using Tulu2.Cluster.Ledger;
using Tulu2.Collectives.Layout;
using Tulu2.Protocol.Checkpointing;
using Tulu2.Protocol.GradientSync;
using Tulu2.Protocol.WorkQueues;
using Tulu2.Protocol.Workers;

namespace Tulu2.Tests.Cluster.Fakes;

/// <summary>
/// The pure states and fake workers on a simulated network, one event at a time in an order that a random number generator draws: ranks crash with or
/// without a word, messages come late and twice or, if it is to, not at all, ranks overtake one another. What one sender says arrives in order, except for
/// the repeats.
/// </summary>
internal sealed class SyncSimulation
{
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(60);

    private readonly Random _random;
    private readonly FakePlan _plan;
    private readonly Seat[] _seats;
    private readonly Queue<SyncCommand> _fromCheckpoints = new();
    private readonly List<(Func<SyncCommand> Command, long Due)> _late = [];
    private readonly List<LedgerEntry> _ledger = [];
    private CheckpointCatalog _catalog;
    private GradientSyncState _state;
    private TimeSpan _now;
    private long _events;
    private long _incarnations;
    private int _losses;

    private sealed class Seat
    {
        public FakeWorker? Worker;
        public FeedWindow Feed = null!;
        public long Incarnation;
        public Queue<Action> Work = new();
        public Queue<Func<TimeSpan, SyncCommand>> Says = new();
    }

    public SyncSimulation(int seed, ParallelLayout layout, int slots, int steps, int every)
    {
        _random = new Random(seed);
        var ranks = layout.Size;
        Cluster = new FakeCluster(slots, steps) { Layout = layout };
        _plan = new FakePlan(slots, steps);
        _catalog = new CheckpointCatalog(ranks);
        _state = GradientSyncState.Of(
            new SyncRules(layout, slots, steps, every), new SyncStart(0, null, ImmutableDictionary<int, string>.Empty, ReferenceDue: false),
                new ProgressLease(Lease, Lease, 8));
        Write(new LedgerEvent.RunStarted("recipe", 1, ranks, slots, steps, 0));
        _seats = [.. Enumerable.Range(0, ranks).Select(_ => new Seat())];
        for (var rank = 0; rank < ranks; rank++) StartWorker(rank);
    }

    public FakeCluster Cluster { get; }
    public SyncEffect? End { get; private set; }
    public IReadOnlyList<LedgerEntry> Ledger => _ledger;
    public List<SyncEffect.Committed> Commits { get; } = [];

    /// <summary>Runs with so many faults, then without until the end.</summary>
    /// <returns>It came to an end.</returns>
    /// <param name="losses">So many messages between nodes, at most, do not arrive.</param>
    public bool Run(int faults, int stopAfter, int losses = 0)
    {
        _losses = losses;
        // What is lost late costs a lease or two each time; a snapshot costs more.
        for (var idle = 0; End is null && idle < 3 + 4 * losses;)
        {
            if (++_events > 200_000) return false;
            if (_events == stopAfter) Take(new SyncCommand.Stop(_now));
            if (faults > 0 && _random.Next(40) == 0)
            {
                faults--;
                Crash(_random.Next(_seats.Length), silently: _random.Next(3) == 0);
            }
            if (Happen(repeats: faults > 0))
            {
                idle = 0;
                continue;
            }
            // Nothing is under way: only time can help.
            idle++;
            _now += Lease + Lease;
            Take(new SyncCommand.Tick(_now));
        }
        return End is not null;
    }

    private bool Happen(bool repeats)
    {
        _now += TimeSpan.FromMilliseconds(1);
        var choices = new List<Action>();
        foreach (var seat in _seats)
        {
            if (seat.Work.Count > 0) choices.Add(() => seat.Work.Dequeue()());
            if (seat.Says.Count > 0) choices.Add(() => Deliver(seat.Says.Dequeue(), repeats));
        }
        if (_fromCheckpoints.Count > 0) choices.Add(() => Take(_fromCheckpoints.Dequeue()));
        if (_late.FindIndex(late => late.Due <= _events) is var index and >= 0)
        {
            choices.Add(() =>
            {
                var (command, _) = _late[index];
                _late.RemoveAt(index);
                Take(command());
            });
        }
        if (choices.Count == 0) return false;
        choices[_random.Next(choices.Count)]();
        return true;
    }

    private void Deliver(Func<TimeSpan, SyncCommand> says, bool repeats)
    {
        if (repeats && _random.Next(4) == 0) _late.Add((() => says(_now), _events + _random.Next(60)));
        var command = says(_now);
        // A worker is announced until it is told something.
        if (command is SyncCommand.RankUp || !Loses()) Take(command);
    }

    private bool Loses() => _losses > 0 && _random.Next(30) == 0 && _losses-- > 0;

    private void StartWorker(int rank)
    {
        var seat = _seats[rank];
        var incarnation = seat.Incarnation = ++_incarnations;
        // What the old worker still had to do died with it.
        var work = seat.Work = new Queue<Action>();
        seat.Feed = new FeedWindow(Cluster.Layout!.CoordinatesOf(rank).Data, Cluster.Layout.Data, Cluster.Slots, Cluster.TotalSteps, credits: 2);
        seat.Worker = new FakeWorker(Cluster, rank, (int)incarnation, report => Report(rank, incarnation, report), work.Enqueue);
        seat.Says.Enqueue(now => new SyncCommand.RankUp(rank, incarnation, "fake", now));
    }

    private void Crash(int rank, bool silently)
    {
        var (seat, incarnation) = (_seats[rank], _seats[rank].Incarnation);
        seat.Worker!.Dispose();
        if (!silently) seat.Says.Enqueue(now => new SyncCommand.RankLost(rank, incarnation, "crashed", now));
        StartWorker(rank);
    }

    private void Report(int rank, long incarnation, WorkerReport report)
    {
        var seat = _seats[rank];
        if (seat.Incarnation != incarnation) return;
        if (report is WorkerReport.ShardWritten shard)
        {
            if (Loses()) return;
            var (next, decision) = _catalog.Arrive(rank, shard.Step, shard.Shard);
            Catalogued(next, decision);
            return;
        }
        if (report is WorkerReport.SlotDone slot) Feed(rank, seat.Feed.Done(slot.Step, slot.Slot));
        seat.Says.Enqueue(now => new SyncCommand.Reported(report, now));
    }

    private void Feed(int rank, IReadOnlyList<(int Step, int Slot)> asked)
    {
        foreach (var (step, slot) in asked) _seats[rank].Worker!.Send(new WorkerCommand.Feed(_plan.Read(step, slot)));
    }

    private void Catalogued(CheckpointCatalog next, CatalogDecision decision)
    {
        _catalog = next;
        if (decision is CatalogDecision.ManifestDue due) _fromCheckpoints.Enqueue(new SyncCommand.SnapshotSettled(due.Step, $"{due.Step}", null, false, _now));
        if (decision is CatalogDecision.Abandoned lost) _fromCheckpoints.Enqueue(new SyncCommand.SnapshotSettled(lost.Step, null, lost.Why, lost.Lost, _now));
    }

    private void Take(SyncCommand command)
    {
        (_state, var effects) = _state.Decide(command);
        foreach (var effect in effects) Do(effect);
    }

    private void Do(SyncEffect effect)
    {
        switch (effect)
        {
            case SyncEffect.Tell or SyncEffect.Restart when Loses():
                break;
            case SyncEffect.Tell tell:
                _seats[tell.Rank].Worker!.Send(tell.Command);
                if (tell.Command is WorkerCommand.Begin begin) Feed(tell.Rank, _seats[tell.Rank].Feed.Begin(begin));
                break;
            case SyncEffect.Restart restart when _seats[restart.Rank].Incarnation == restart.Incarnation:
                Crash(restart.Rank, silently: false);
                break;
            case SyncEffect.GenerationOpened opened:
                Write(new LedgerEvent.GenerationOpened(opened.Generation, opened.Why, opened.Ranks));
                break;
            case SyncEffect.SnapshotBegun begun:
                _catalog = _catalog.Begin(begun.Step);
                break;
            case SyncEffect.SnapshotRanksGone gone:
                var (next, decision) = _catalog.Gone(gone.Step, gone.Ranks);
                Catalogued(next, decision);
                break;
            case SyncEffect.Committed committed:
                Commits.Add(committed);
                var step = committed.Step;
                Write(new LedgerEvent.StepCommitted(step.Generation, step.Step, step.Metrics.Loss, 1, step.GradientHash, 1, step.Seconds,
                    [.. step.Shares.Select(share => new LedgerShare(share.Rank, share.Slots, share.SlotSeconds, share.Times))]));
                break;
            case SyncEffect.Finished or SyncEffect.Failed:
                End = effect;
                break;
        }
    }

    private void Write(LedgerEvent what) => _ledger.Add(new LedgerEntry(_ledger.Count + 1, DateTimeOffset.UnixEpoch, what));
}
