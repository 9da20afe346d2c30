using Tulu2.Cluster.Delivery;

namespace Tulu2.Simulation.Engine;

/// <summary>How a mutation spoils a stream.</summary>
internal enum StreamFault
{
    None,

    /// <summary>What comes twice is delivered twice.</summary>
    Repeats,

    /// <summary>What comes early is delivered early.</summary>
    Overtakes,

    /// <summary>Nothing is sent again.</summary>
    Forgets,
}

/// <summary>The messages of one node to one actor of another, by the product's <see cref="Outbox{T}"/> and <see cref="Inbox{T}"/> over a network that may lose any of them.</summary>
internal sealed class CourierStream<T>(EventLoop loop, Network network, SimulatedProcess from, SimulatedProcess to, Action<T> deliver, StreamFault fault = StreamFault.None)
{
    private static readonly TimeSpan RepeatAfter = TimeSpan.FromMilliseconds(500);

    private readonly HashSet<long> _seen = [];
    private Outbox<T> _outbox = new();
    private Inbox<T> _inbox = new();
    private bool _isTicking, _isOver;

    public void Send(T message)
    {
        if (_isOver) return;
        _outbox = _outbox.Add(message, loop.Now);
        Transmit(_outbox.Latest, message);
        if (_isTicking) return;
        _isTicking = true;
        from.After(RepeatAfter / 2, Tick);
    }

    /// <summary>One of its ends is gone for the other.</summary>
    public void End() => _isOver = true;

    private void Transmit(long number, T message) => network.Send(from, to, () => Take(number, message));

    private void Take(long number, T message)
    {
        if (_isOver) return;
        var early = number != _inbox.UpTo + 1;
        (_inbox, var due) = _inbox.Take(number, message);
        var upTo = _inbox.UpTo;
        network.Send(to, from, () => _outbox = _outbox.Acknowledge(upTo));
        switch (fault)
        {
            case StreamFault.Repeats when early && number <= upTo:
                deliver(message);
                break;
            case StreamFault.Overtakes:
                if (_seen.Add(number)) deliver(message);
                return;
        }
        foreach (var each in due) deliver(each);
    }

    private void Tick()
    {
        _isTicking = false;
        if (_isOver || _outbox.IsEmpty || fault == StreamFault.Forgets) return;
        (_outbox, var due) = _outbox.Repeat(loop.Now, RepeatAfter);
        foreach (var (number, message) in due) Transmit(number, message);
        _isTicking = true;
        from.After(RepeatAfter / 2, Tick);
    }
}
