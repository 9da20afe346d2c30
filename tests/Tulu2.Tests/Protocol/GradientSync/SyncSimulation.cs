using Tulu2.Cluster.Ledger;
using Tulu2.Collectives.Layout;
using Tulu2.Data.Slots;
using Tulu2.Protocol.Driving;
using Tulu2.Protocol.GradientSync;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Validation;
using Tulu2.Protocol.Workers;
using Tulu2.Tests.Cluster.Fakes;

namespace Tulu2.Tests.Protocol.GradientSync;

/// <summary>
/// A driver and fake workers on a simulated network, one event at a time in an order that a random number generator draws: ranks crash with or without a word,
/// messages come late and twice or, if asked for, not at all, commits reach some ranks only before another supervisor takes over, ranks overtake one another. What one
/// sender says arrives in order, except for the repeats.
/// </summary>
internal sealed class SyncSimulation : IDriverScheduler, IWorkerFactory
{
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(60);

    private readonly Random _random;
    private readonly List<Sender> _senders = [];
    private readonly Queue<SyncCommand> _settled = new();
    private readonly List<(RankReport Report, long Due)> _late = [];
    private readonly List<LedgerEntry> _ledger = [];
    private readonly StepDriver _driver;
    private readonly List<string> _nodes = [];
    private readonly bool _elastic;
    private TimeSpan _now;
    private long _events;
    private int _workers;
    private int _losses;
    private int _takeovers;
    private int _changes;
    private bool _leaves, _oneByOne;
    private Rank? _away;

    // A rank: what its worker has to do, and what is on its way from there.
    private sealed class Sender
    {
        public Queue<Action> Work = new();
        public readonly Queue<RankReport> Sent = new();
    }

    public SyncSimulation(int seed, ParallelLayout layout, int slots, int steps, int every, ValidationRules? validation = null, bool standby = false,
        int fewest = int.MaxValue)
    {
        _random = new Random(seed);
        Cluster = new FakeCluster(slots, steps) { Layout = layout };
        Write(new LedgerEvent.RunStarted("recipe", 1, layout.Size, slots, steps, 0));
        _elastic = fewest < layout.Data;
        SeatTo(layout.Size);
        _driver = new StepDriver(new DriverPlan(new SyncRules(layout, slots, new StepNumber(steps), every)
        {
            Validation = validation,
            Standby = standby,
            FewestReplicas = fewest,
            LossPatience = TimeSpan.FromMilliseconds(20),
            StartPatience = TimeSpan.FromMilliseconds(40),
        }, new FakePlan(slots, steps))
        {
            NodeOf = rank => _nodes[rank],
            Validation = ValidationChunks,
            Measure = (_, scores) => scores.Sum(score => (double)score[0]),
            Lease = new ProgressLease(Lease, Lease, 8),
            // A rank that a command did not reach fails at the next one that needs it.
            Restarts = int.MaxValue,
            WriteManifest = (step, _) => $"{step}",
            CommitTo = _ => _takeovers > 0 && _random.Next(4) == 0 && _takeovers-- > 0 ? [.. State.Roster.Ranks.Where(_ => _random.Next(2) == 0)] : null,
            Delivers = effect => effect is not (SyncEffect.Tell or SyncEffect.Restart) || !Loses(),
            Decided = Decided,
            Observed = (before, command, decision) => Observed?.Invoke(before, command, decision),
        }, this, this);
        _driver.FeedThrough(new StepNumber(steps));
        _driver.Start();
    }

    public static IReadOnlyList<SlotBatch> ValidationChunks { get; } = [.. Enumerable.Range(0, 5).Select(chunk => new FakePlan(5, 1).Read(1, chunk))];

    public FakeCluster Cluster { get; }

    /// <summary>The steps whose validations were decided about, in order, and their values.</summary>
    public List<SyncEffect.Validated> Validated { get; } = [];
    public SyncEffect? End => _driver.End;
    public GradientSyncState State => _driver.State;
    public string Standstill => $"the run came to a standstill: {_driver.State.Phase}";
    public IReadOnlyList<LedgerEntry> Ledger => _ledger;
    public List<SyncEffect.Committed> Commits { get; } = [];

    /// <summary>Called with each decision.</summary>
    public Action<GradientSyncState, SyncCommand, Decision>? Observed { get; set; }

    /// <summary>Copies of the state that the run is scaled to at least.</summary>
    public int FewestWanted { get; init; } = 1;

    /// <summary>How many replicas made each commit.</summary>
    public List<int> Replicas { get; } = [];

    /// <summary>Commands to load a checkpoint or the recipe's weights, after the first commit.</summary>
    public int Reloads { get; private set; }

    /// <summary>Steps that were committed when the last rank crashed.</summary>
    public int CommitsAtFault { get; private set; }

    public TimeSpan Now => _now;

    /// <summary>Runs with these many faults, then without until the end.</summary>
    /// <returns>It came to an end.</returns>
    /// <param name="from">The first event at which a fault may happen.</param>
    /// <param name="losses">At most these many messages between nodes do not arrive.</param>
    /// <param name="takeovers">At most these many commits are the last thing that a supervisor does.</param>
    /// <param name="changes">At most so often it is scaled, or a worker leaves.</param>
    /// <param name="leaves">Workers leave too.</param>
    /// <param name="until">Returns after so many commits.</param>
    public bool Run(int faults, int stopAfter, int losses = 0, int takeovers = 0, int from = 0, int changes = 0, bool leaves = false, int until = int.MaxValue)
    {
        (_losses, _takeovers, _changes, _leaves) = (losses, takeovers, changes, leaves);
        // A late loss costs a lease or two; a snapshot costs more.
        for (var idle = 0; End is null && Commits.Count < until && idle < 3 + 4 * losses;)
        {
            if (++_events > 200_000) return false;
            if (_events == stopAfter) _driver.Take(new SyncCommand.Stop(_now));
            if (faults > 0 && _events >= from && _random.Next(40) == 0)
            {
                faults--;
                CommitsAtFault = Commits.Count;
                var rank = new Rank(_random.Next(_driver.State.Wanted.Size));
                // It may come back elsewhere.
                if (_random.Next(2) == 0) _nodes[rank] = Node();
                _driver.Replace(rank, _random.Next(3) == 0 ? null : "crashed");
            }
            if (_changes > 0 && _random.Next(30) == 0) Change();
            if (Happen(repeats: faults > 0))
            {
                idle = 0;
                continue;
            }
            // Nothing is under way: only time can help.
            idle++;
            _now += Lease + Lease;
            _driver.Take(new SyncCommand.Tick(_now));
        }
        return End is not null;
    }

    public IWorker Start(Rank rank, Action<WorkerReport> report)
    {
        SeatTo(rank + 1);
        // What the old worker still had to do died with it.
        var work = _senders[rank].Work = new Queue<Action>();
        return new FakeWorker(Cluster, rank, ++_workers, report, work.Enqueue);
    }

    public void Said(Action arrive) => arrive();

    public void Sent(RankReport report)
    {
        // The checkpoint coordinator's messages go other ways than the supervisor's.
        if (report.Report is not WorkerReport.ShardWritten) _senders[report.Rank].Sent.Enqueue(report);
        else if (!Loses()) _driver.Receive(report);
    }

    public void Settled(SyncCommand settled) => _settled.Enqueue(settled);

    private bool Happen(bool repeats)
    {
        _now += TimeSpan.FromMilliseconds(1);
        var choices = new List<Action>();
        foreach (var sender in _senders)
        {
            if (sender.Work.Count > 0 && (_away is not { } away || sender != _senders[away])) choices.Add(() => sender.Work.Dequeue()());
            if (sender.Sent.Count > 0) choices.Add(() => Deliver(sender.Sent.Dequeue(), repeats));
        }
        if (_settled.Count > 0) choices.Add(() => _driver.Take(_settled.Dequeue()));
        if (_late.FindIndex(late => late.Due <= _events) is var index and >= 0)
        {
            choices.Add(() =>
            {
                var (report, _) = _late[index];
                _late.RemoveAt(index);
                _driver.Receive(report);
            });
        }
        if (choices.Count == 0) return false;
        if (_elastic) choices.Add(() => _driver.Take(new SyncCommand.Tick(_now)));
        choices[_random.Next(choices.Count)]();
        return true;
    }

    private void Deliver(RankReport report, bool repeats)
    {
        if (repeats && _random.Next(4) == 0) _late.Add((report, _events + _random.Next(60)));
        // A worker is announced until it is told something.
        if (report.Report is WorkerReport.Started || !Loses()) _driver.Receive(report);
    }

    /// <summary>Runs to the end while workers are told to leave, each when all others are there.</summary>
    public bool LeaveOneByOne(int leaves)
    {
        _oneByOne = true;
        return Run(faults: 0, stopAfter: -1, changes: leaves, leaves: true);
    }

    /// <summary>A rank's worker dies, and the next one does not start yet.</summary>
    public void Away(Rank rank)
    {
        _away = rank;
        _driver.Replace(rank, "crashed");
    }

    public void Back() => _away = null;

    /// <summary>The run is to have this many replicas.</summary>
    public void Scale(int data) => _driver.Scale(data);

    private void Change()
    {
        var state = _driver.State;
        if (_oneByOne && !(state.Phase is SyncPhase.Running && state.Seats.All(seat => seat is { IsMember: true, Leaving: null }))) return;
        _changes--;
        if (_oneByOne || (_leaves && _random.Next(2) == 0))
        {
            var seat = state.Seats[_random.Next(state.Seats.Length)];
            _driver.Take(new SyncCommand.RankLeaves(seat.Rank, seat.Incarnation, "told to", Stays: true, _now));
        }
        else _driver.Scale(state.Wanted.Zero * (FewestWanted + _random.Next(4)));
    }

    private void SeatTo(int ranks)
    {
        while (_senders.Count < ranks)
        {
            _senders.Add(new Sender());
            _nodes.Add(Node());
        }
    }

    private string Node() => $"node {_random.Next(3)}";

    private bool Loses() => _losses > 0 && _random.Next(30) == 0 && _losses-- > 0;

    private void Decided(SyncEffect effect)
    {
        switch (effect)
        {
            case SyncEffect.GenerationOpened opened:
                Write(new LedgerEvent.GenerationOpened(opened.Generation, opened.Why, opened.Ranks));
                break;
            case SyncEffect.Tell { Command: var command } when Commits.Count > 0 && Loads(command):
                Reloads++;
                break;
            case SyncEffect.Validated validated:
                Validated.Add(validated);
                break;
            case SyncEffect.Committed committed:
                Commits.Add(committed);
                Replicas.Add(_driver.State.Roster.Layout.Data);
                var step = committed.Step;
                Write(new LedgerEvent.StepCommitted(step.Generation, step.Step, step.Metrics.Loss, 1, step.GradientHash, 1, step.Seconds,
                    [.. step.Shares.Select(share => new LedgerShare(share.Rank, share.Slots, share.SlotSeconds, share.Times))]));
                break;
        }
    }

    private static bool Loads(WorkerCommand command) =>
        (command is WorkerCommand.Begin begin ? begin.Transfer : (command as WorkerCommand.Restore)?.Transfer) is StateTransfer.FromManifest or StateTransfer.FromRecipe;

    private void Write(LedgerEvent what) => _ledger.Add(new LedgerEntry(_ledger.Count + 1, DateTimeOffset.UnixEpoch, what));
}
