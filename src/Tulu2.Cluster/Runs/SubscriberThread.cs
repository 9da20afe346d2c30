using Tulu2.Protocol.Events;

namespace Tulu2.Cluster.Runs;

/// <summary>Delivers the events of a run to its subscriber, in order, on a thread of its own. After the subscriber's first failure it gets no more.</summary>
/// <param name="failed">Called on the thread with that failure.</param>
internal sealed class SubscriberThread(IRunEventSubscriber subscriber, Action<Exception> failed)
{
    private readonly DedicatedThread _thread = new("run events", failed);
    // Touched by the thread only.
    private Exception? _failure;

    public void Post(RunEvent happened) => _thread.Post(() =>
    {
        if (_failure is not null) return;
        try
        {
            subscriber.Handle(happened);
        }
        catch (Exception fault)
        {
            _failure = fault;
            throw;
        }
    });

    /// <summary>Calls <paramref name="then"/> on the thread when every event has been delivered, with the subscriber's failure, if it had one, and ends the thread.</summary>
    public void Complete(Action<Exception?> then)
    {
        _thread.Post(() => then(_failure));
        _thread.Dispose();
    }
}
