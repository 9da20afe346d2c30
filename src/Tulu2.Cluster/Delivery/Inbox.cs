using System.Collections.Immutable;

namespace Tulu2.Cluster.Delivery;

/// <summary>The other end of an <see cref="Outbox{T}"/>: gives each message once and in order, however often and in whatever order they come. Immutable.</summary>
internal sealed record Inbox<T>
{
    private ImmutableSortedDictionary<long, T> Early { get; init; } = ImmutableSortedDictionary<long, T>.Empty;

    /// <summary>All messages up to this number have come.</summary>
    public long UpTo { get; private init; }

    /// <returns>What is now due, in order: nothing where the message was there before, or one before it is missing.</returns>
    public (Inbox<T> Next, ImmutableArray<T> Due) Take(long number, T message)
    {
        if (number <= UpTo) return (this, []);
        var (upTo, early) = (UpTo, Early.SetItem(number, message));
        var due = ImmutableArray.CreateBuilder<T>();
        while (early.TryGetValue(upTo + 1, out var next))
        {
            due.Add(next);
            early = early.Remove(++upTo);
        }
        return (this with { UpTo = upTo, Early = early }, due.ToImmutable());
    }
}
