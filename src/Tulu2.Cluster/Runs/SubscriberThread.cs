using Tulu2.Protocol.Events;

namespace Tulu2.Cluster.Runs;

/// <summary>Delivers the events of a run to its subscriber, in order, on a thread of its own. After the subscriber's first failure it gets no more.</summary>
/// <param name="failed">Called on the thread with that failure.</param>
internal sealed class SubscriberThread(IRunEventSubscriber subscriber, Action<Exception> failed)
{
    private readonly DedicatedThread _thread = new("run events", failed);
    private bool _failed;   // touched by the thread only

    public void Post(RunEvent happened) => _thread.Post(() =>
    {
        if (_failed) return;
        _failed = true;
        subscriber.Handle(happened);
        _failed = false;
    });

    /// <summary>Calls <paramref name="then"/> on the thread when every event has been delivered, and ends it.</summary>
    public void Complete(Action then)
    {
        _thread.Post(then);
        _thread.Dispose();
    }
}
