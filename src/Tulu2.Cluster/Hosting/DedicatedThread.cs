using System.Collections.Concurrent;

namespace Tulu2.Cluster.Hosting;

/// <summary>
/// A thread that does posted work in order. For whatever blocks (disk, native code): a blocked pool thread holds up the heartbeats of the whole
/// node. Work must not throw.
/// </summary>
internal sealed class DedicatedThread : IDisposable
{
    private readonly BlockingCollection<Action> _work = [];
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public DedicatedThread(string name)
    {
        new Thread(() =>
        {
            foreach (var work in _work.GetConsumingEnumerable()) work();
            _completion.TrySetResult();
        })
        {
            IsBackground = true,
            Name = name,
        }.Start();
    }

    /// <summary>Completes when the thread has ended, with all that was posted done.</summary>
    public Task Completion => _completion.Task;

    public void Post(Action work) => _work.Add(work);

    /// <summary>Takes no more work; what was posted is still done. Does not wait.</summary>
    public void Dispose() => _work.CompleteAdding();
}
