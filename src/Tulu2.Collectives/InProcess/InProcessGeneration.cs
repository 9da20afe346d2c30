namespace Tulu2.Collectives.InProcess;

/// <summary>What the ranks of one generation share: a meeting place for each group of them, and the messages under way. Thread-safe.</summary>
internal sealed class InProcessGeneration(long number, int size)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Rendezvous> _meetings = [];
    private readonly Dictionary<(int From, int To), MessageQueue> _queues = [];
    private string? _aborted;

    public long Number => number;
    public int Size => size;

    /// <summary>Where a group meets.</summary>
    /// <param name="ranks">Numbers within the generation.</param>
    public Rendezvous Meeting(IReadOnlyList<int> ranks) =>
        Find(_meetings, string.Join(',', ranks), () => new Rendezvous(number, ranks.Count, Abort), (meeting, reason) => meeting.AbortHere(reason));

    /// <summary>What is under way between two ranks of the generation.</summary>
    public MessageQueue Messages(int from, int to) =>
        Find(_queues, (from, to), () => new MessageQueue(number, Abort), (queue, reason) => queue.AbortHere(reason));

    public void Abort(string reason)
    {
        Rendezvous[] meetings;
        MessageQueue[] queues;
        lock (_gate)
        {
            if (_aborted is not null) return;
            _aborted = reason;
            (meetings, queues) = ([.. _meetings.Values], [.. _queues.Values]);
        }
        foreach (var meeting in meetings) meeting.AbortHere(reason);
        foreach (var queue in queues) queue.AbortHere(reason);
    }

    private T Find<TKey, T>(Dictionary<TKey, T> known, TKey key, Func<T> make, Action<T, string> abort) where TKey : notnull
    {
        lock (_gate)
        {
            if (known.TryGetValue(key, out var found)) return found;
            var made = make();
            if (_aborted is { } reason) abort(made, reason);
            known.Add(key, made);
            return made;
        }
    }
}
