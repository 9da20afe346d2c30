using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;

namespace Tulu2.Training.Hosting;

/// <summary>Workers as processes, one for each rank.</summary>
/// <param name="program">How one is started.</param>
/// <param name="run">What they are told, for any rank.</param>
/// <param name="log">Takes what they print; null: nothing does.</param>
public sealed class ProcessWorkerFactory(WorkerProgram program, WorkerStart run, string? log) : IWorkerFactory
{
    // A rank that is started again here takes its old place.
    private readonly Dictionary<Rank, int> _places = [];

    /// <summary>How long an orderly end may take: a snapshot under way is still written.</summary>
    public TimeSpan ShutdownPatience { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a process may give no sign of life, whatever it is at: <c>parallel.patience</c>.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(run.Recipe.Parallel.Patience);

    public IWorker Start(Rank rank, Action<WorkerReport> report) => new ProcessWorker(program, StartOf(rank), log, ShutdownPatience, Patience, report);

    internal WorkerStart StartOf(Rank rank)
    {
        lock (_places)
        {
            _places.TryAdd(rank, _places.Count);
            return run with { Rank = rank, NodePlace = _places[rank] };
        }
    }
}
