namespace Tulu2.Simulation.Engine;

/// <summary>A virtual clock and what is due by it, one event at a time. Events of one moment happen in the order in which they were planned, so that a seed is a schedule.</summary>
internal sealed class EventLoop(int seed)
{
    private readonly PriorityQueue<Action, (TimeSpan At, long Order)> _due = new();
    private long _order;

    /// <summary>The only source of chance.</summary>
    public Random Random { get; } = new(seed);

    public TimeSpan Now { get; private set; }

    /// <summary>Events that have happened.</summary>
    public long Events { get; private set; }

    /// <summary>What is told about the schedule, with its time; null: nobody listens.</summary>
    public Action<string>? Trace { get; set; }

    public void After(TimeSpan delay, Action happens) => _due.Enqueue(happens, (Now + delay, _order++));

    /// <returns>False: nothing will happen any more.</returns>
    public bool Next()
    {
        if (!_due.TryDequeue(out var happens, out var when)) return false;
        (Now, Events) = (when.At, Events + 1);
        happens();
        return true;
    }

    public bool Chance(double probability) => Random.NextDouble() < probability;

    /// <summary>Some time between two others.</summary>
    public TimeSpan Between(TimeSpan least, TimeSpan most) => least + TimeSpan.FromTicks((long)((most - least).Ticks * Random.NextDouble()));

    public T One<T>(IReadOnlyList<T> of) => of[Random.Next(of.Count)];

    public void Say(string text) => Trace?.Invoke($"{Now.TotalSeconds,10:0.000} {text}");
}
