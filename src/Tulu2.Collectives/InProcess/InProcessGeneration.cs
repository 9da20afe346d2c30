namespace Tulu2.Collectives.InProcess;

/// <summary>What the ranks of one generation share: a rendezvous per group and a message queue per pair of ranks. Thread-safe.</summary>
internal sealed class InProcessGeneration(long number, int size)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Rendezvous> _rendezvous = [];
    private readonly Dictionary<(int From, int To), MessageQueue> _queues = [];
    private string? _aborted;

    public long Number => number;
    public int Size => size;

    /// <param name="ranks">The group's ranks, by their numbers in the generation.</param>
    public Rendezvous RendezvousOf(IReadOnlyList<int> ranks) =>
        FindOrCreate(_rendezvous, string.Join(',', ranks), () => new Rendezvous(number, ranks.Count, Abort), (one, reason) => one.AbortHere(reason));

    /// <summary>Messages sent but not received, from one rank of the generation to another.</summary>
    public MessageQueue Messages(int from, int to) =>
        FindOrCreate(_queues, (from, to), () => new MessageQueue(number, Abort), (queue, reason) => queue.AbortHere(reason));

    public void Abort(string reason)
    {
        Rendezvous[] rendezvous;
        MessageQueue[] queues;
        lock (_gate)
        {
            if (_aborted is not null) return;
            _aborted = reason;
            (rendezvous, queues) = ([.. _rendezvous.Values], [.. _queues.Values]);
        }
        foreach (var one in rendezvous) one.AbortHere(reason);
        foreach (var queue in queues) queue.AbortHere(reason);
    }

    private T FindOrCreate<TKey, T>(Dictionary<TKey, T> known, TKey key, Func<T> create, Action<T, string> abort) where TKey : notnull
    {
        lock (_gate)
        {
            if (known.TryGetValue(key, out var found)) return found;
            var created = create();
            if (_aborted is { } reason) abort(created, reason);
            known.Add(key, created);
            return created;
        }
    }
}
