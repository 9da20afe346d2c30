using System.Collections.Immutable;

namespace Tulu2.Protocol.WorkQueues;

/// <summary>
/// A <see cref="LeaseQueue{T}"/> that grows, with names for the work and numbers for the questions of workers, over a network that loses, repeats and delays messages.
/// A worker asks with a number, repeats the question until it is answered, and asks with a greater one when it wants more. So a repeated question gets the same
/// answer again, and an overtaken one none. Immutable; time comes in as a parameter.
/// </summary>
public sealed record WorkPool<T>
{
    private WorkPool(int maxAttempts) => Queue = LeaseQueue<T>.Of([], maxAttempts);

    private LeaseQueue<T> Queue { get; init; }
    private ImmutableDictionary<string, int> Ids { get; init; } = ImmutableDictionary.Create<string, int>(StringComparer.Ordinal);
    private ImmutableDictionary<string, long> Asked { get; init; } = ImmutableDictionary.Create<string, long>(StringComparer.Ordinal);

    public int Total => Queue.Total;
    public int Done => Queue.Done;
    public bool IsComplete => Queue.IsComplete;

    /// <summary>Outcomes that came for work already done.</summary>
    public int Duplicates => Queue.Duplicates;

    /// <summary>Workers that have asked and are not lost.</summary>
    public int Workers => Asked.Count;

    /// <summary>What waits for a worker, in order.</summary>
    public IEnumerable<T> Waiting => Queue.Next;

    /// <param name="maxAttempts">Failed attempts at one piece after which it is exhausted.</param>
    public static WorkPool<T> Of(int maxAttempts) => new(maxAttempts);

    /// <exception cref="ArgumentException">There is work of that name.</exception>
    public WorkPool<T> Add(IReadOnlyList<(string Name, T Work)> more) => this with
    {
        Ids = Ids.AddRange(more.Select((work, index) => KeyValuePair.Create(work.Name, Queue.Total + index))),
        Queue = Queue.Add([.. more.Select(work => work.Work)]),
    };

    /// <summary>Null: there is no such work.</summary>
    public bool? IsDone(string name) => Ids.TryGetValue(name, out var id) ? Queue.IsFinished(id) : null;

    /// <summary>A worker asks for work. What it held under a lower number it no longer has.</summary>
    /// <returns>Null: nothing waits, or the question was overtaken by a later one.</returns>
    public (WorkPool<T> Next, Lease<T>? Lease) Ask(string worker, long number, TimeSpan now, TimeSpan duration)
    {
        var before = Asked.GetValueOrDefault(worker, long.MinValue);
        if (number < before) return (this, null);
        if (number == before && Queue.LeaseOf(worker) is { } same) return (this with { Queue = Queue.Renew(worker, now, duration) }, same);
        var (queue, lease) = Queue.Return(worker).Take(worker, now, duration);
        return (this with { Queue = queue, Asked = Asked.SetItem(worker, number) }, lease);
    }

    /// <summary>The worker is alive and does what it was given for that number.</summary>
    public WorkPool<T> Renew(string worker, long number, TimeSpan now, TimeSpan duration) =>
        Asked.GetValueOrDefault(worker, long.MinValue) == number ? this with { Queue = Queue.Renew(worker, now, duration) } : this;

    /// <summary>An outcome has come, from any worker and however late.</summary>
    /// <returns>False: there is no such work, or it is done.</returns>
    public (WorkPool<T> Next, bool Accepted) Complete(string name)
    {
        if (!Ids.TryGetValue(name, out var id)) return (this, false);
        var (queue, accepted) = Queue.Complete(id);
        return (this with { Queue = queue }, accepted);
    }

    /// <summary>What the worker was given for that number failed. Without effect where it does not hold it any more.</summary>
    public (WorkPool<T> Next, Exhausted? Exhausted) Fail(string worker, long number, string why)
    {
        if (Asked.GetValueOrDefault(worker, long.MinValue) != number || Queue.LeaseOf(worker) is not { } lease) return (this, null);
        var (queue, exhausted) = Queue.Fail(lease.Id, lease.Attempt, why);
        return (this with { Queue = queue }, exhausted);
    }

    /// <summary>The worker is gone, or gives back what it was given: the work is not to blame.</summary>
    public WorkPool<T> Lose(string worker) => this with { Queue = Queue.Return(worker), Asked = Asked.Remove(worker) };

    /// <summary>Leases that ran out before <paramref name="now"/> wait again.</summary>
    public (WorkPool<T> Next, ImmutableArray<Exhausted> Exhausted) Expire(TimeSpan now)
    {
        var (queue, exhausted) = Queue.Expire(now);
        return (this with { Queue = queue }, exhausted);
    }

    /// <summary>The work of an id, as <see cref="Exhausted"/> and <see cref="Lease{T}"/> have it.</summary>
    public T this[int id] => Queue[id];

    /// <summary>What a worker holds; null: nothing.</summary>
    public Lease<T>? LeaseOf(string worker) => Queue.LeaseOf(worker);
}
