using System.Collections.Concurrent;

namespace Tulu2.Cluster;

/// <summary>
/// A thread that does posted work in order. For work that blocks (disk, native code): a blocked pool thread delays the heartbeats of the whole node. Work that
/// throws is reported to the owner, and the thread continues with the next.
/// </summary>
internal sealed class DedicatedThread : IDisposable
{
    private readonly BlockingCollection<Action> _work = [];
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <param name="failed">Called on the thread with what posted work has thrown. Must not throw.</param>
    public DedicatedThread(string name, Action<Exception> failed)
    {
        new Thread(() =>
        {
            foreach (var work in _work.GetConsumingEnumerable()) Do(work, failed);
            _completion.TrySetResult();
        })
        {
            IsBackground = true,
            Name = name,
        }.Start();
    }

    /// <summary>Completes when the thread has ended, with all posted work done.</summary>
    public Task Completion => _completion.Task;

    public void Post(Action work) => _work.Add(work);

    /// <summary>Takes no more work; posted work is still done. Does not wait.</summary>
    public void Dispose() => _work.CompleteAdding();

    private static void Do(Action work, Action<Exception> failed)
    {
        try
        {
            work();
        }
        catch (Exception fault)
        {
            failed(fault);
        }
    }
}
