namespace Tulu2.Cluster.Hosting;

/// <summary>How long nobody has answered, counted in looks at it: a process that sleeps does not count. Thread-safe.</summary>
internal sealed class Silence
{
    private const int LooksOfALongOne = 5;

    private int _looks;

    public bool IsLong => Volatile.Read(ref _looks) >= LooksOfALongOne;

    /// <summary>About once a second.</summary>
    public void Look() => Interlocked.Increment(ref _looks);

    /// <summary>Somebody has answered.</summary>
    public void End() => Volatile.Write(ref _looks, 0);
}
