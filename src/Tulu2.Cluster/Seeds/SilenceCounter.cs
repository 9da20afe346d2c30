namespace Tulu2.Cluster.Seeds;

/// <summary>Time without an answer, counted in ticks, so that time in which this process sleeps does not count. Thread-safe.</summary>
internal sealed class SilenceCounter
{
    private const int TicksOfLong = 5;

    private int _ticks;

    public bool IsLong => Volatile.Read(ref _ticks) >= TicksOfLong;

    /// <summary>Counts a tick, about once a second.</summary>
    public void Tick() => Interlocked.Increment(ref _ticks);

    /// <summary>An answer has come: counts from 0.</summary>
    public void Reset() => Volatile.Write(ref _ticks, 0);
}
