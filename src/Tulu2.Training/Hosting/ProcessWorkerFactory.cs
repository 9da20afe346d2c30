using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;

namespace Tulu2.Training.Hosting;

/// <summary>Workers as processes, one per rank, and spare ones that have loaded and compiled what a rank needs and take any rank of the node at once.</summary>
/// <param name="program">The program to start.</param>
/// <param name="run">The start message; rank and index on the node are filled in for each worker.</param>
/// <param name="log">Path of the file to which the output of the processes is appended; null: it is discarded.</param>
public sealed class ProcessWorkerFactory(WorkerProgram program, WorkerStart run, string? log) : IWorkerFactory, IDisposable
{
    private readonly Lock _gate = new();

    // Index on this node by rank; a rank that is started again keeps its index.
    private readonly Dictionary<Rank, int> _indices = [];
    private readonly Queue<ProcessWorker> _spares = new();
    private Dictionary<Rank, Orphan>? _orphans;   // null: not looked for yet
    private bool _disposed;

    /// <summary>Spare workers that are kept: <c>parallel.spares</c>. The first are started when the run has made a step, later ones when it has made one after a loss.</summary>
    public int Spares { get; init; } = run.Recipe.Parallel.Spares;

    /// <summary>Time allowed for a clean shutdown, in which a worker finishes the snapshot in progress.</summary>
    public TimeSpan ShutdownPatience { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Maximum time without a heartbeat, whatever the process is doing: <c>parallel.patience</c>.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(run.Recipe.Parallel.Patience);

    public IWorker Start(Rank rank, Action<WorkerReport> report)
    {
        if (TakeOrphan(rank) is { } orphan) return new ProcessWorker(program, run, log, ShutdownPatience, Patience, rank, Report, orphan) { Left = LookAgain };
        var start = StartOf(rank);
        while (TakeSpare() is { } spare)
        {
            if (spare.TryBegin(start, Report)) return spare;
            spare.Dispose();
        }
        return new ProcessWorker(program, start, log, ShutdownPatience, Patience, rank, Report) { Left = LookAgain };

        void Report(WorkerReport what)
        {
            report(what);
            // Not before: while ranks start, spares would take their processors.
            if (what is WorkerReport.Applied { Then: AfterCommit.GoOn }) KeepSpares();
        }
    }

    /// <summary>Ends the spares, and orphans that no rank took.</summary>
    public void Dispose()
    {
        Orphan[] left;
        lock (_gate)
        {
            _disposed = true;
            if (_orphans is null) FindOrphans();
            left = [.. _orphans!.Values];
            _orphans.Clear();
        }
        foreach (var orphan in left) End(orphan).Join();
        while (TakeSpare() is { } spare) spare.Dispose();
    }

    // Whoever was left by an earlier process of this node, and has the state of the run's rank.
    private Orphan? TakeOrphan(Rank rank)
    {
        lock (_gate)
        {
            if (_orphans is null) FindOrphans();
            return _orphans!.Remove(rank, out var orphan) ? orphan : null;
        }
    }

    private void LookAgain()
    {
        lock (_gate)
        {
            // Those that no rank took wait again, and are found again.
            foreach (var orphan in _orphans?.Values ?? Enumerable.Empty<Orphan>()) orphan.Channel.Dispose();
            _orphans = null;
        }
    }

    private void FindOrphans()
    {
        _orphans = [];
        if (program.Adoption is not { } folder) return;
        var hash = WorkerStartCodec.HashOf(run);
        foreach (var orphan in Orphans.Find(folder))
        {
            if (orphan.Introduction.Start == hash && _orphans.TryAdd(orphan.Introduction.Rank, orphan)) _indices[orphan.Introduction.Rank] = orphan.Introduction.IndexOnNode;
            else End(orphan);
        }
    }

    // On a thread of its own, since it may take as long as a snapshot does.
    private Thread End(Orphan orphan)
    {
        var end = new Thread(() => new ProcessWorker(program, run, log, ShutdownPatience, Patience, orphan.Introduction.Rank, _ => { }, orphan).Dispose())
        {
            IsBackground = true,
            Name = $"end of worker process {orphan.Process.Id}",
        };
        end.Start();
        return end;
    }

    internal WorkerStart StartOf(Rank rank)
    {
        lock (_gate)
        {
            // Orphans keep theirs, which need not be the first ones.
            if (!_indices.ContainsKey(rank)) _indices[rank] = Enumerable.Range(0, int.MaxValue).First(index => !_indices.ContainsValue(index));
            return run with { Rank = rank, IndexOnNode = _indices[rank] };
        }
    }

    private ProcessWorker? TakeSpare()
    {
        lock (_gate) return _spares.TryDequeue(out var spare) ? spare : null;
    }

    private void KeepSpares()
    {
        lock (_gate)
        {
            while (_spares.TryPeek(out var oldest) && oldest.HasEnded) _spares.Dequeue().Dispose();
            while (!_disposed && _spares.Count < Spares)
                _spares.Enqueue(new ProcessWorker(program, new WorkerWarmUp(run), log, ShutdownPatience, Patience, default, report: null) { Left = LookAgain });
        }
    }
}
