using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;

namespace Tulu2.Training.Hosting;

/// <summary>Workers as processes, one per rank.</summary>
/// <param name="program">The program to start.</param>
/// <param name="run">The start message; rank and index on the node are filled in for each worker.</param>
/// <param name="log">Path of the file to which the output of the processes is appended; null: it is discarded.</param>
public sealed class ProcessWorkerFactory(WorkerProgram program, WorkerStart run, string? log) : IWorkerFactory
{
    // Index on this node by rank; a rank that is started again keeps its index.
    private readonly Dictionary<Rank, int> _indices = [];

    /// <summary>Time allowed for a clean shutdown, in which a worker finishes the snapshot in progress.</summary>
    public TimeSpan ShutdownPatience { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Maximum time without a heartbeat, whatever the process is doing: <c>parallel.patience</c>.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(run.Recipe.Parallel.Patience);

    public IWorker Start(Rank rank, Action<WorkerReport> report) => new ProcessWorker(program, StartOf(rank), log, ShutdownPatience, Patience, report);

    internal WorkerStart StartOf(Rank rank)
    {
        lock (_indices)
        {
            _indices.TryAdd(rank, _indices.Count);
            return run with { Rank = rank, IndexOnNode = _indices[rank] };
        }
    }
}
