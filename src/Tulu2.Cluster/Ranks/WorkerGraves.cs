using Tulu2.Protocol.Workers;

namespace Tulu2.Cluster.Ranks;

/// <summary>
/// Ends workers on threads of their own: a worker in the middle of native code, or a hung one, cannot be waited for by an actor. Thread-safe.
/// </summary>
internal sealed class WorkerGraves
{
    private readonly Lock _gate = new();
    private readonly List<Task> _burials = [];

    public void Bury(IWorker worker, int rank)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate) _burials.Add(done.Task);
        new Thread(() =>
        {
            try
            {
                worker.Dispose();
            }
            catch (Exception)
            {
                // It has already failed; there is nobody left to tell.
            }
            done.TrySetResult();
        })
        {
            IsBackground = true,
            Name = $"end of rank {rank}",
        }.Start();
    }

    /// <summary>Completes when all workers have ended, or after <paramref name="patience"/>: a hung one never does.</summary>
    public async Task AllAsync(TimeSpan patience)
    {
        Task[] burials;
        lock (_gate) burials = [.. _burials];
        await Task.WhenAny(Task.WhenAll(burials), Task.Delay(patience)).ConfigureAwait(false);
    }
}
