using System.Collections.Immutable;

namespace Tulu2.Cluster.Delivery;

/// <summary>What was sent to one actor and may not have arrived: numbered, and repeated until it is acknowledged. Immutable; time comes in as a parameter.</summary>
internal sealed record Outbox<T>
{
    private sealed record Sent(long Number, T Message, TimeSpan At);

    private ImmutableQueue<Sent> Open { get; init; } = [];

    /// <summary>The number of the latest message; 0: there was none.</summary>
    public long Latest { get; private init; }

    public bool IsEmpty => Open.IsEmpty;

    /// <summary>One more, which is sent now as number <see cref="Latest"/>.</summary>
    public Outbox<T> Add(T message, TimeSpan now) => this with { Latest = Latest + 1, Open = Open.Enqueue(new Sent(Latest + 1, message, now)) };

    /// <summary>All messages up to this number have arrived.</summary>
    public Outbox<T> Acknowledge(long upTo)
    {
        var open = Open;
        while (!open.IsEmpty && open.Peek().Number <= upTo) open = open.Dequeue();
        return this with { Open = open };
    }

    /// <summary>Those sent <paramref name="after"/> ago or earlier, in order: they are sent again now.</summary>
    public (Outbox<T> Next, ImmutableArray<(long Number, T Message)> Due) Repeat(TimeSpan now, TimeSpan after)
    {
        var due = Open.Where(sent => now - sent.At >= after).Select(sent => (sent.Number, sent.Message)).ToImmutableArray();
        return due.IsEmpty ? (this, []) : (this with { Open = [.. Open.Select(sent => now - sent.At >= after ? sent with { At = now } : sent)] }, due);
    }
}
