using System.Collections.Concurrent;
using Tulu2.Collectives;
using Tulu2.Collectives.Layout;
using Tulu2.Data.Slots;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;

namespace Tulu2.Tests.Cluster.Fakes;

/// <summary>Where a fake worker may be when something goes wrong.</summary>
internal enum At { Slot, Ready, Commit, Applied, Join, Score }

internal enum Fault { Fail, BadInput, Hang, Corrupt }

/// <summary>
/// What fake workers share: the arithmetic (integers, so that any difference shows), the data plane between them, the faults to come about, and the record of
/// what they did.
/// </summary>
internal sealed class FakeCluster(int slots, int totalSteps) : IWorkerFactory
{
    private readonly ConcurrentDictionary<(At, int Rank, int Step), (Fault Fault, int Times)> _faults = new();
    private readonly Lock _gate = new();
    private readonly Dictionary<(long Generation, int Step, int Column), Dictionary<int, (Dictionary<int, long> Slots, Action<long> Then)>> _meeting = [];
    private readonly Dictionary<(long Generation, int Root), (long Value, List<Action<long>> Waiting, bool Known)> _states = [];

    public int Slots => slots;

    /// <summary>Where the ranks stand; null: every rank is a replica.</summary>
    public ParallelLayout? Layout { get; init; }
    public int TotalSteps => totalSteps;

    /// <summary>Values of parameters in snapshots, by step.</summary>
    public ConcurrentDictionary<int, long> Snapshots { get; } = new();

    /// <summary>Every commit applied: rank, which of its workers, step, parameters after it.</summary>
    public ConcurrentQueue<(int Rank, int Worker, int Step, long Value)> Applied { get; } = new();

    /// <summary>Slots computed, as (step, slot), each time.</summary>
    public ConcurrentQueue<(int Rank, int Step, int Slot)> Computed { get; } = new();

    public ConcurrentQueue<string> Violations { get; } = new();

    /// <summary>Decides what becomes of a snapshot; null: it is written.</summary>
    public Func<int, int, string?> SnapshotError { get; set; } = (_, _) => null;

    /// <summary>Called for each snapshot; what it is given makes the shard durable.</summary>
    public Action<int, int, Action> OnSnapshot { get; set; } = (_, _, write) => write();

    public int Started => _started;
    private int _started;

    public int Ended => _ended;
    private int _ended;

    public void HasEnded() => Interlocked.Increment(ref _ended);

    public FakeCluster With(At at, int rank, int step, Fault fault = Fault.Fail, int times = 1)
    {
        _faults[(at, rank, step)] = (fault, times);
        return this;
    }

    public Fault? TakeFault(At at, int rank, int step)
    {
        lock (_gate)
        {
            if (!_faults.TryGetValue((at, rank, step), out var fault) || fault.Times == 0) return null;
            _faults[(at, rank, step)] = fault with { Times = fault.Times - 1 };
            return fault.Fault;
        }
    }

    public IWorker Start(Rank rank, Action<WorkerReport> report) => new FakeWorker(this, rank, Interlocked.Increment(ref _started), report);

    public static long Gradient(long parameters, SlotBatch batch) => unchecked((parameters * 31) ^ ((long)batch.Ids[0] * 2654435761));

    public static long Update(long parameters, long gradient) => unchecked((parameters * 1000003) + gradient);

    /// <summary>A small number that any difference of the parameters changes.</summary>
    public static float Score(long parameters, SlotBatch batch) => unchecked((ulong)((parameters + 1) * (batch.Ids[0] + 1) * -7046029254386353131)) >> 48;

    /// <summary>Parameters after so many undisturbed steps.</summary>
    public long Expected(int steps)
    {
        var plan = new FakePlan(slots, totalSteps);
        long value = 0;
        for (var step = 1; step <= steps; step++)
        {
            long sum = 0;
            for (var slot = 0; slot < slots; slot++) sum = unchecked(sum + Gradient(value, plan.Read(step, slot)));
            value = Update(value, sum);
        }
        return value;
    }

    /// <summary>The tree sum: calls back everybody once all ranks that hold the same parameters have come.</summary>
    public void Meet(long generation, int step, Rank rank, Roster roster, Dictionary<int, long> held, Action<long> then)
    {
        List<Action<long>> ready;
        long sum = 0;
        lock (_gate)
        {
            var group = roster.Layout.DataGroup(roster.PlaceOf(rank));
            var place = (generation, step, group[0]);
            if (!_meeting.TryGetValue(place, out var there)) _meeting.Add(place, there = []);
            there[rank] = (held, then);
            if (there.Count < group.Count) return;
            // A run whose ledger is lost counts its generations from the start again: it may not meet ranks of the run before it.
            _meeting.Remove(place);
            var given = there.Values.SelectMany(part => part.Slots.Keys).Order().ToArray();
            if (!given.SequenceEqual(Enumerable.Range(0, slots))) Violations.Enqueue($"generation {generation} step {step}: slots {string.Join(",", given)}");
            foreach (var value in there.Values.SelectMany(part => part.Slots.Values)) sum = unchecked(sum + value);
            ready = [.. there.Values.Select(part => part.Then)];
        }
        foreach (var call in ready) call(sum);
    }

    public void SendState(long generation, int root, long value)
    {
        List<Action<long>> waiting;
        lock (_gate)
        {
            waiting = _states.TryGetValue((generation, root), out var state) ? state.Waiting : [];
            _states[(generation, root)] = (value, [], true);
        }
        foreach (var call in waiting) call(value);
    }

    public void ReceiveState(long generation, int root, Action<long> then)
    {
        long value;
        lock (_gate)
        {
            if (!_states.TryGetValue((generation, root), out var state)) _states[(generation, root)] = state = (0, [], false);
            if (!state.Known)
            {
                state.Waiting.Add(then);
                return;
            }
            value = state.Value;
        }
        then(value);
    }
}

internal sealed class FakePlan(int slots, int totalSteps) : IBatchPlan
{
    public int TotalSteps => totalSteps;
    public int SlotsPerStep => slots;
    public long LossTokens(int step) => slots;
    public long LossTokens(int step, int slot) => 1;
    public long ChosenLossTokens(int step) => 0;
    public long Tokens(int step) => 10 * slots;
    public ReadOnlyMemory<int> Sequences(int step, int slot) => new int[] { Id(step, slot) };
    public Func<int, int, Exception?> Fault { get; set; } = (_, _) => null;

    public SlotBatch Read(int step, int slot) => Fault(step, slot) is { } fault ? throw fault
        : new(step, slot, [Id(step, slot)], [0], [1], [0], [0], [0], [Id(step, slot)], 10);

    private int Id(int step, int slot) => (step * slots) + slot;
}

internal static class Ranges
{
    public static IReadOnlyList<SlotRange> Of(IEnumerable<int> slots)
    {
        var ranges = new List<SlotRange>();
        foreach (var slot in slots.Order())
        {
            if (ranges.Count > 0 && ranges[^1].End == slot) ranges[^1] = new SlotRange(ranges[^1].First, ranges[^1].Count + 1);
            else ranges.Add(new SlotRange(slot, 1));
        }
        return ranges;
    }

    public static IEnumerable<int> Each(IEnumerable<SlotRange> ranges) => ranges.SelectMany(range => Enumerable.Range(range.First, range.Count));
}
