using Tulu2.Collectives;
using Tulu2.Collectives.Layout;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;
using Tulu2.Simulation.Engine;

namespace Tulu2.Simulation.Model;

/// <summary>
/// What docs/protocol.md asks of a rank's worker, with integers in place of tensors: mailbox and fence, generations, slots, reduction, commit, snapshots and standby copies. It goes on as
/// the event loop says; a call or a pause that its process does not survive never ends.
/// </summary>
internal sealed partial class WorkerModel
{
    private readonly World _world;
    private readonly Queue<WorkerCommand> _mailbox = new();
    private readonly Dictionary<(string, int, int), int> _calls = [];
    private readonly SortedDictionary<int, long> _held = [];
    private readonly Queue<int> _todo = new();
    private StepNumber _checked;
    private SlotCheck? _check;
    private int? _again;
    private string? _own, _repeated;
    private readonly HashSet<(int Step, int Slot)> _fed = [];
    private TaskCompletionSource? _idle;
    private Action<WorkerReport>? _owner;
    private Generation _generation = Generation.None;
    private Roster _roster;
    private long _fence = long.MinValue;
    private StepNumber _step = new(-1);
    private long _state;
    private bool _computing, _begun;
    private Generation? _aborted;

    // The step whose compute weights it has, those of other ranks' ranges included.
    private StepNumber _weights = new(-1);

    // The reduced gradient of the next step: its hash, and this rank's part of it.
    private (string Hash, long Total)? _reduced;

    // The standby copy that it keeps, and the gradient that is to be applied to it next.
    private (Rank Of, StepNumber Step, long State)? _kept;
    private long _keptGradient;
    private IReadOnlyList<Rank> _keepers = [];

    public WorkerModel(World world, Rank rank, SimulatedProcess process)
    {
        (_world, Rank, Process, _roster) = (world, rank, process, Roster.Whole(world.Shape.Layout));
        process.OnDeath(() => _world.Plane.Leave(this, _generation));
    }

    public Rank Rank { get; }

    public SimulatedProcess Process { get; }

    /// <summary>Its state: the part is that of its rank.</summary>
    public (StepNumber Step, long State, string? Reduced) Holds => (_step, _state, _reduced?.Hash);
    public (Rank Of, StepNumber Step, long State)? Keeps => _kept;

    /// <summary>Ends the collective call that it is in.</summary>
    public Action? Pending { get; set; }

    private StepNumber Next => _step.Next();
    private ParallelLayout Layout => _roster.Layout;
    private int Place => _roster.PlaceOf(Rank);
    private int Part => _world.Arithmetic.PartOf(Rank);
    private bool HasWork => _computing && (_again is { } again ? _fed.Contains((Next, again)) : !_todo.TryPeek(out var slot) || _fed.Contains((Next, slot)));

    /// <summary>Whoever commands it from now on hears its reports, beginning with the first one. Null: nobody; what it says is lost.</summary>
    public void Serve(Action<WorkerReport>? owner)
    {
        _owner = owner;
        if (owner is null) return;
        Report(new WorkerReport.Started($"{Process.Name}"));
        if (!_runs) _ = RunAsync();
    }

    private bool _runs;

    /// <summary>Its process is told to end: it says so, and makes its step meanwhile.</summary>
    public void TellToEnd() => Report(new WorkerReport.Leaving("it was told to end"));

    /// <summary>A command has come to its process.</summary>
    public void Take(WorkerCommand command)
    {
        if (command is WorkerCommand.JoinGeneration join && join.Generation > _fence)
        {
            _fence = join.Generation;
            // Ends, for its peers too, what the worker may be waiting in.
            if (_generation < join.Generation)
            {
                _world.Plane.Leave(this, _generation);
                Pending?.Invoke();
            }
        }
        _mailbox.Enqueue(command);
        Wake();
    }

    private async Task RunAsync()
    {
        _runs = true;
        while (true)
        {
            if (!_mailbox.TryDequeue(out var command) && !HasWork)
            {
                _idle = new TaskCompletionSource();
                await _idle.Task;
                continue;
            }
            try
            {
                await (command is null ? AdvanceAsync() : HandleAsync(command));
            }
            catch (AbortedException)
            {
                (_computing, _aborted) = (false, _generation);
            }
            catch (Exception fault)
            {
                Violated($"{fault}");
            }
        }
    }

    private void Wake()
    {
        if (_idle is not { } idle) return;
        _idle = null;
        idle.SetResult();
    }

    private Task HandleAsync(WorkerCommand command)
    {
        switch (command)
        {
            case WorkerCommand.JoinGeneration join:
                if (join.Generation >= _fence) Join(join);
                return Task.CompletedTask;
            case WorkerCommand.OfGeneration { Generation: var generation } when (generation != _generation || generation < _fence) && !_world.Mutation.IgnoresFence:
                return Task.CompletedTask;
            // The state may be half of what the command takes for granted.
            case WorkerCommand.OfGeneration { Generation: var ended } when ended == _aborted && !_world.Mutation.GoesOnAfterAbort:
                return Task.CompletedTask;
            case WorkerCommand.Feed feed:
                if (feed.Batch.Step > _step) _fed.Add((feed.Batch.Step, feed.Batch.Slot));
                return Task.CompletedTask;
            case WorkerCommand.Begin begin:
                return BeginAsync(begin);
            case WorkerCommand.Restore restore:
                return RestoreAsync(restore);
            case WorkerCommand.Commit commit when commit.Step >= _step:
                return CommitAsync(commit);
            case WorkerCommand.Score score:
                return ScoreAsync(score);
            default:
                return Task.CompletedTask;
        }
    }

    private void Join(WorkerCommand.JoinGeneration join)
    {
        if (join.Generation > _generation)
        {
            _world.Plane.Leave(this, _generation);
            if (!join.Ranks.Contains(Rank)) Violated($"is asked into generation {join.Generation}, and does not take part");
            (_generation, _roster) = (join.Generation, new Roster(_world.Shape.Layout, join.Ranks));
            _world.Invariants.Joined(Rank, join.Generation, join.Endpoints, _roster);
            _world.Plane.Join(this, _generation);
            (_computing, _begun) = (false, false);
            _calls.Clear();
        }
        var joined = new WorkerReport.Joined(_generation, Rank, _step, Ranges(_held.Keys), _reduced?.Hash) { Keeps = _kept is { } kept ? new StandbyCopy(kept.Of, kept.Step) : null };
        Report(_world.Mutation.Says(joined));
    }

    private Task PauseAsync(TimeSpan time)
    {
        var done = new TaskCompletionSource();
        Process.After(time, done.SetResult);
        return done.Task;
    }

    private async Task<Gathered> MeetAsync(string what, int about, IReadOnlyList<int> members, object brings)
    {
        // A newer generation has begun, and its join is still in the mailbox.
        if (_generation < _fence) throw new AbortedException();
        var number = _calls[(what, about, members[0])] = _calls.GetValueOrDefault((what, about, members[0])) + 1;
        try
        {
            return await _world.Plane.MeetAsync(this, new MeetingKey(_generation, what, about, members[0], number), members, brings);
        }
        finally
        {
            Pending = null;
        }
    }

    // Ranks at places of the generation's layout.
    private int[] At(IEnumerable<int> places) => [.. places.Select(place => _roster.Ranks[place].Value)];

    private void Report(WorkerReport report) => _owner?.Invoke(report);

    private void Violated(string what) => _world.Invariants.Violated($"rank {Rank} ({Process.Name}, generation {_generation}, step {_step}): {what}");

    private static List<SlotRange> Ranges(IEnumerable<int> ascending)
    {
        var ranges = new List<SlotRange>();
        foreach (var slot in ascending)
        {
            if (ranges.Count > 0 && ranges[^1].End == slot) ranges[^1] = new SlotRange(ranges[^1].First, ranges[^1].Count + 1);
            else ranges.Add(new SlotRange(slot, 1));
        }
        return ranges;
    }
}
