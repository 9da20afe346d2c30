namespace Tulu2.Cluster.Ranks;

/// <summary>
/// Ends workers on threads of their own: an actor cannot wait for a worker that is in native code, or hangs. Thread-safe.
/// </summary>
internal sealed class WorkerShutdown
{
    private readonly Lock _gate = new();
    private readonly List<Task> _ending = [];

    /// <param name="worker">A worker, or what holds spare ones.</param>
    public void Begin(IDisposable worker, string name)
    {
        var thread = new DedicatedThread($"end of {name}", _ => { /* The worker has already failed, which was reported. */ });
        thread.Post(worker.Dispose);
        thread.Dispose();
        lock (_gate) _ending.Add(thread.Completion);
    }

    /// <summary>Completes when all workers have ended, or after <paramref name="patience"/>: a hung one never does.</summary>
    public async Task AllEndedAsync(TimeSpan patience)
    {
        Task[] ending;
        lock (_gate) ending = [.. _ending];
        await Task.WhenAny(Task.WhenAll(ending), Task.Delay(patience)).ConfigureAwait(false);
    }
}
