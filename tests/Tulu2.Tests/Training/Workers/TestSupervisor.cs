using System.Collections.Concurrent;
using Tulu2.Checkpoints;
using Tulu2.Collectives;
using Tulu2.Collectives.InProcess;
using Tulu2.Collectives.Layout;
using Tulu2.Protocol.Workers;
using Tulu2.Training.Hosting;
using Tulu2.Training.Slots;
using Tulu2.Training.State;
using Tulu2.Training.Workers;
using Xunit;

namespace Tulu2.Tests.Training.Workers;

/// <summary>
/// Plays the supervisor of docs/protocol.md for worker threads, without actors: joins, begins, commits, restarts what fails. What it may do wrong on
/// purpose is an argument of <see cref="Run"/>.
/// </summary>
internal sealed class TestSupervisor : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly WorkerSettings _settings;
    private readonly ParallelLayout _layout;
    private readonly SlotComputerOf _computerOf;
    private readonly ReplicaState?[] _states;
    private readonly BlockingCollection<(IWorker? Worker, int Rank, WorkerReport Report)> _reports = [];
    private readonly IWorker[] _workers;
    private long _generation;

    public TestSupervisor(WorkerSettings settings, int ranks, SlotComputerOf? computerOf = null) : this(settings, new ParallelLayout(ranks), computerOf)
    {
    }

    public TestSupervisor(WorkerSettings settings, ParallelLayout layout, SlotComputerOf? computerOf = null)
    {
        // A data plane remembers the generations it has seen; every supervisor here counts from 1.
        settings = settings with { DataPlane = new InProcessDataPlane(), Parallel = layout };
        (_settings, _layout) = (settings, layout);
        _computerOf = computerOf ?? EmbeddedWorkerFactory.ComputerOf(settings);
        (_workers, _states) = (new IWorker[layout.Size], new ReplicaState?[layout.Size]);
        for (var rank = 0; rank < layout.Size; rank++) Start(rank);
    }

    /// <summary>Figures of every step of the last run, in order, as rank 0 reported them; a step done again comes once.</summary>
    public SortedDictionary<int, (StepMetrics Metrics, string Hash)> Steps { get; } = [];
    public List<WorkerReport.Failed> Failures { get; } = [];
    public List<ShardEntry> Shards { get; } = [];
    public int SlotsComputed { get; private set; }

    /// <param name="until">The last step.</param>
    /// <param name="commitTo">Ranks that get the commit of a step before a new generation begins; null or all: an ordinary commit.</param>
    /// <returns>The parameters' hash: what each rank that holds everything says, or that of all ranks' parts put together.</returns>
    public string Run(int until, StateTransfer? initial = null, int initialStep = 0, int snapshotAt = -1, Func<int, int[]?>? commitTo = null)
    {
        while (true)
        {
            if (Generation(until, initial ?? new StateTransfer.FromRecipe(), initialStep, snapshotAt, commitTo) is { } hash) return hash;
            if (Failures.Count > 200) throw new InvalidOperationException($"never ends: {Failures[^1].Detail}");
        }
    }

    public float[] Score(Tulu2.Data.Slots.SlotBatch batch)
    {
        _generation++;
        Each(rank => new WorkerCommand.JoinGeneration(_generation, rank, [.. _workers.Select(_ => "in-process")]));
        foreach (var rank in _layout.Replica(0)) _workers[rank].Send(new WorkerCommand.Score(_generation, 7, batch));
        return Gather<WorkerReport.Scored>(1)![0].LogProbabilities;
    }

    /// <summary>After a run: what all ranks hold together.</summary>
    public IReadOnlyList<(string Name, float[] Values)> Parameters() => AssembledState.Parameters(_settings.Parameters.Config, _states.OfType<ReplicaState>());

    public void Dispose()
    {
        foreach (var worker in _workers) worker.Dispose();
    }

    private string? Generation(int until, StateTransfer initial, int initialStep, int snapshotAt, Func<int, int[]?>? commitTo)
    {
        _generation++;
        Each(rank => new WorkerCommand.JoinGeneration(_generation, rank, [.. _workers.Select(_ => "in-process")]));
        if (Gather<WorkerReport.Joined>(_workers.Length) is not { } joined) return null;
        var plan = Recovery.Of(joined, _layout, _settings.Plan.SlotsPerStep, initial, initialStep);
        if (plan.Step > until)
        {
            // Somebody died after the last commit, before it said so: it gets the state back, and the commit is repeated.
            Each(rank => new WorkerCommand.Begin(_generation, plan.Step, plan.Transfer, [], []));
            Each(rank => new WorkerCommand.Commit(_generation, until, false, true));
            return Gather<WorkerReport.Applied>(_workers.Length) is { } again ? Hash(again) : null;
        }
        SlotShare ShareOf(int rank) => plan.Shares[_layout.CoordinatesOf(rank).Data];
        Each(rank => new WorkerCommand.Begin(_generation, plan.Step, plan.Transfer, ShareOf(rank).Keep, ShareOf(rank).Compute));
        // Not before: a worker that has to go back has no use yet for batches of a step that it has made.
        for (var rank = 0; rank < _workers.Length; rank++) Feed(rank, plan.Step, ShareOf(rank).Compute);
        for (var step = plan.Step; ; step++)
        {
            if (Gather<WorkerReport.StepReady>(_workers.Length) is not { } ready) return null;
            Agree(ready, step);
            var last = step == until;
            if (!last)
                for (var rank = 0; rank < _workers.Length; rank++)
                    if (SlotAssignment.Range(_settings.Plan.SlotsPerStep, _layout.Data, _layout.CoordinatesOf(rank).Data) is { } range) Feed(rank, step + 1, [range]);
            var chosen = commitTo?.Invoke(step);
            Each(rank => chosen is null || chosen.Contains(rank) ? new WorkerCommand.Commit(_generation, step, step == snapshotAt, last) : null);
            if (chosen is not null && chosen.Length < _workers.Length) return null;
            if (Gather<WorkerReport.Applied>(_workers.Length) is not { } applied) return null;
            if (last) return Hash(applied);
        }
    }

    // Ranks that have said what they applied wait for commands: nobody writes what is read here.
    private string Hash(IReadOnlyList<WorkerReport.Applied> applied)
    {
        var told = applied.Select(rank => rank.ParametersSha256).Distinct().ToArray();
        if (_layout is { ReplicaSize: 1, Zero: 1 }) return Assert.Single(told)!;
        Assert.Null(Assert.Single(told));
        return AssembledState.ParametersSha256(_settings.Parameters.Config, _states.OfType<ReplicaState>());
    }

    private void Agree(IReadOnlyList<WorkerReport.StepReady> ready, int step)
    {
        Assert.All(ready, rank => Assert.Equal(step, rank.Step));
        Assert.Single(ready.Select(rank => rank.GradientHash).Distinct());
        Assert.Single(ready.Select(rank => rank.Metrics).Distinct());
        // A step done again has the bits it had.
        if (Steps.TryGetValue(step, out var before)) Assert.Equal(before, (ready[0].Metrics, ready[0].GradientHash));
        Steps[step] = (ready[0].Metrics, ready[0].GradientHash);
    }

    // Null: a worker failed and was started again.
    private List<T>? Gather<T>(int count) where T : WorkerReport
    {
        var got = new SortedDictionary<int, T>();
        while (got.Count < count)
        {
            if (!_reports.TryTake(out var item, Patience)) throw new TimeoutException($"no {typeof(T).Name} from {count - got.Count} of {count} ranks");
            switch (item.Report)
            {
                case WorkerReport.Failed failed when ReferenceEquals(item.Worker, _workers[item.Rank]) || item.Worker is null:
                    Failures.Add(failed);
                    _workers[item.Rank].Dispose();
                    Start(item.Rank);
                    return null;
                case WorkerReport.ShardWritten shard:
                    Shards.Add(shard.Shard);
                    break;
                case WorkerReport.SnapshotFailed snapshot:
                    throw new InvalidOperationException(snapshot.Error);
                case WorkerReport.SlotDone:
                    SlotsComputed++;
                    break;
                case T wanted when GenerationOf(wanted) == _generation:
                    got[item.Rank] = wanted;
                    break;
            }
        }
        return [.. got.Values];
    }

    /// <summary>Waits for the shards of a snapshot and writes its manifest.</summary>
    public string WriteManifest(int step)
    {
        while (Shards.Count < _workers.Length)
        {
            if (!_reports.TryTake(out var item, Patience)) throw new TimeoutException("no shard");
            if (item.Report is WorkerReport.ShardWritten shard) Shards.Add(shard.Shard);
            if (item.Report is WorkerReport.SnapshotFailed failed) throw new InvalidOperationException(failed.Error);
        }
        return new CheckpointStore(_settings.CheckpointDirectory).WriteManifest(
            new Manifest(step, _settings.Parameters.VirtualShards, "recipe", Shards, new Dictionary<string, string>()));
    }

    private static long GenerationOf(WorkerReport report) => report switch
    {
        WorkerReport.Joined joined => joined.Generation,
        WorkerReport.StepReady ready => ready.Generation,
        WorkerReport.Applied applied => applied.Generation,
        WorkerReport.Scored scored => scored.Generation,
        _ => -1,
    };

    private void Start(int rank)
    {
        IWorker? self = null;
        _states[rank] = null;
        var factory = new EmbeddedWorkerFactory(_settings, (state, group) => _computerOf(_states[rank] = state, group));
        self = _workers[rank] = factory.Start(rank, report => _reports.Add((self, rank, report)));
    }

    private void Feed(int rank, int step, IEnumerable<SlotRange> ranges)
    {
        foreach (var slot in ranges.SelectMany(Recovery.Slots)) _workers[rank].Send(new WorkerCommand.Feed(_settings.Plan.Read(step, slot)));
    }

    private void Each(Func<int, WorkerCommand?> command)
    {
        for (var rank = 0; rank < _workers.Length; rank++)
            if (command(rank) is { } given) _workers[rank].Send(given);
    }
}
