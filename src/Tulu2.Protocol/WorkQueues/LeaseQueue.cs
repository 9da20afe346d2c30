using System.Collections.Immutable;

namespace Tulu2.Protocol.WorkQueues;

/// <summary>A piece of work that a worker holds.</summary>
/// <param name="Id">Its index in the list of work.</param>
/// <param name="Attempt">From 1.</param>
public sealed record Lease<T>(int Id, int Attempt, T Work);

/// <summary>Work whose attempts are used up.</summary>
public sealed record Exhausted(int Id, string Why);

/// <summary>
/// Work that workers pull. What a worker takes is leased: it comes back when the lease runs out or the worker is lost, and of several outcomes of one
/// piece the first wins. So work is done at least once and counted exactly once. Immutable; time comes in as a parameter.
/// </summary>
public sealed record LeaseQueue<T>
{
    private readonly int _maxAttempts;

    private LeaseQueue(ImmutableList<T> items, int maxAttempts) => (Items, _maxAttempts) = (items, maxAttempts);

    private sealed record Held(string Worker, int Attempt, TimeSpan Until);

    private ImmutableList<T> Items { get; init; }
    private ImmutableQueue<int> Waiting { get; init; } = [];
    private ImmutableSortedDictionary<int, Held> Leased { get; init; } = ImmutableSortedDictionary<int, Held>.Empty;
    private ImmutableDictionary<int, int> Attempts { get; init; } = ImmutableDictionary<int, int>.Empty;
    private ImmutableHashSet<int> Finished { get; init; } = [];

    public int Total => Items.Count;
    public int Done => Finished.Count;
    public bool IsComplete => Finished.Count == Items.Count;

    /// <summary>The work of an id.</summary>
    public T this[int id] => Items[id];

    /// <summary>Outcomes that came for work already done.</summary>
    public int Duplicates { get; private init; }

    /// <param name="isDone">Work that needs no doing.</param>
    public static LeaseQueue<T> Of(IEnumerable<T> items, int maxAttempts, Func<int, bool>? isDone = null)
    {
        var all = items.ToImmutableList();
        var finished = Enumerable.Range(0, all.Count).Where(id => isDone?.Invoke(id) ?? false).ToImmutableHashSet();
        return new LeaseQueue<T>(all, maxAttempts)
        {
            Waiting = [.. Enumerable.Range(0, all.Count).Where(id => !finished.Contains(id))],
            Finished = finished,
        };
    }

    /// <summary>More work, behind what waits; its ids follow those of the work before.</summary>
    public LeaseQueue<T> Add(IReadOnlyCollection<T> more) => this with
    {
        Items = Items.AddRange(more),
        Waiting = Enumerable.Range(Items.Count, more.Count).Aggregate(Waiting, (waiting, id) => waiting.Enqueue(id)),
    };

    /// <summary>What waits for a worker, in order.</summary>
    public IEnumerable<T> Next => Waiting.Where(id => !Finished.Contains(id)).Select(id => Items[id]);

    /// <summary>Hands the next piece to a worker; null where nothing waits.</summary>
    public (LeaseQueue<T> Next, Lease<T>? Lease) Take(string worker, TimeSpan now, TimeSpan duration)
    {
        var waiting = Waiting;
        while (!waiting.IsEmpty)
        {
            waiting = waiting.Dequeue(out var id);
            // A late outcome may have settled work that was already queued again.
            if (Finished.Contains(id)) continue;
            var attempt = Attempts.GetValueOrDefault(id) + 1;
            var next = this with
            {
                Waiting = waiting,
                Attempts = Attempts.SetItem(id, attempt),
                Leased = Leased.SetItem(id, new Held(worker, attempt, now + duration)),
            };
            return (next, new Lease<T>(id, attempt, Items[id]));
        }
        return (this with { Waiting = waiting }, null);
    }

    /// <summary>The worker is alive: all it holds is leased for another <paramref name="duration"/>.</summary>
    public LeaseQueue<T> Renew(string worker, TimeSpan now, TimeSpan duration) => this with
    {
        Leased = Leased.SetItems(Leased.Where(l => l.Value.Worker == worker)
            .Select(l => KeyValuePair.Create(l.Key, l.Value with { Until = now + duration }))),
    };

    /// <summary>An outcome has come, from any worker and however late.</summary>
    public (LeaseQueue<T> Next, bool Accepted) Complete(int id)
    {
        if (id < 0 || id >= Items.Count) return (this, false);
        if (Finished.Contains(id)) return (this with { Duplicates = Duplicates + 1 }, false);
        return (this with { Finished = Finished.Add(id), Leased = Leased.Remove(id) }, true);
    }

    /// <summary>An attempt failed; only the attempt that holds the lease counts.</summary>
    public (LeaseQueue<T> Next, Exhausted? Exhausted) Fail(int id, int attempt, string why) =>
        Leased.TryGetValue(id, out var held) && held.Attempt == attempt ? GiveBack(id, why) : (this, null);

    /// <summary>A worker is lost: what it held waits again.</summary>
    public (LeaseQueue<T> Next, ImmutableArray<Exhausted> Exhausted) Release(string worker, string why) =>
        GiveBackAll(Leased.Where(l => l.Value.Worker == worker).Select(l => l.Key), why);

    /// <summary>Everything that is leased waits again, as if it had not been taken.</summary>
    public LeaseQueue<T> Recall() => Return([.. Leased]);

    /// <summary>What a worker holds waits again, as if it had not been taken: the work is not to blame.</summary>
    public LeaseQueue<T> Return(string worker) => Return([.. Leased.Where(l => l.Value.Worker == worker)]);

    private LeaseQueue<T> Return(IReadOnlyCollection<KeyValuePair<int, Held>> held) => held.Count == 0 ? this : this with
    {
        Waiting = [.. held.Select(l => l.Key), .. Waiting],
        Attempts = Attempts.SetItems(held.Select(l => KeyValuePair.Create(l.Key, l.Value.Attempt - 1))),
        Leased = Leased.RemoveRange(held.Select(l => l.Key)),
    };

    /// <summary>Leases that ran out before <paramref name="now"/> wait again.</summary>
    public (LeaseQueue<T> Next, ImmutableArray<Exhausted> Exhausted) Expire(TimeSpan now) =>
        GiveBackAll(Leased.Where(l => l.Value.Until < now).Select(l => l.Key), "no sign of life within its lease");

    /// <summary>What a worker holds; null: nothing. Of several the one with the lowest id.</summary>
    public Lease<T>? LeaseOf(string worker) =>
        Leased.FirstOrDefault(l => l.Value.Worker == worker) is { Value: { } held, Key: var id } ? new Lease<T>(id, held.Attempt, Items[id]) : null;

    /// <summary>Pieces a worker holds.</summary>
    public int HeldBy(string worker) => Leased.Values.Count(h => h.Worker == worker);

    /// <summary>The piece is done, or need not be done any more.</summary>
    public bool IsFinished(int id) => Finished.Contains(id);

    private (LeaseQueue<T> Next, ImmutableArray<Exhausted> Exhausted) GiveBackAll(IEnumerable<int> ids, string why)
    {
        var next = this;
        var exhausted = ImmutableArray.CreateBuilder<Exhausted>();
        foreach (var id in ids.ToArray())
        {
            (next, var over) = next.GiveBack(id, why);
            if (over is not null) exhausted.Add(over);
        }
        return (next, exhausted.ToImmutable());
    }

    private (LeaseQueue<T> Next, Exhausted? Exhausted) GiveBack(int id, string why)
    {
        var next = this with { Leased = Leased.Remove(id) };
        return Attempts.GetValueOrDefault(id) >= _maxAttempts
            ? (next, new Exhausted(id, why))
            : (next with { Waiting = next.Waiting.Enqueue(id) }, null);
    }
}
