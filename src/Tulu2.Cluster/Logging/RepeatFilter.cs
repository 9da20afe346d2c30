using System.Diagnostics;

namespace Tulu2.Cluster.Logging;

/// <summary>Passes the same text at most once a minute: a node that cannot reach another logs it twice a second. Not thread-safe.</summary>
internal sealed class RepeatFilter
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    private readonly Dictionary<string, long> _said = [];

    public bool IsNew(string text)
    {
        foreach (var (old, time) in _said.ToArray())
            if (Stopwatch.GetElapsedTime(time) > Interval) _said.Remove(old);
        return _said.TryAdd(text, Stopwatch.GetTimestamp());
    }
}
