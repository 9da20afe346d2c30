namespace Tulu2.Collectives.Network;

/// <summary>
/// The lines about refused connections. Whoever can reach the port may connect as often as he likes: of each kind the first is logged at once, and those that follow
/// are counted, for one line in ten seconds. Thread-safe.
/// </summary>
internal sealed class RefusalLog(Action<string>? log, TimeProvider time)
{
    internal static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, (long Since, long Count, string Last)> _kinds = [];

    /// <param name="kind">Which lines are counted together.</param>
    public void Add(string kind, string line)
    {
        string said;
        lock (_gate)
        {
            var known = _kinds.TryGetValue(kind, out var kept);
            if (known && time.GetElapsedTime(kept.Since) < Interval)
            {
                _kinds[kind] = kept with { Count = kept.Count + 1, Last = line };
                return;
            }
            _kinds[kind] = (time.GetTimestamp(), 0, "");
            said = known && kept.Count > 0 ? $"{line} ({Text(kept.Count)} since the last line)" : line;
        }
        log?.Invoke(said);
    }

    /// <summary>Logs what has been counted and not yet said.</summary>
    public void Flush()
    {
        string[] left;
        lock (_gate)
        {
            left = [.. _kinds.Values.Where(kind => kind.Count > 0).Select(kind => $"{kind.Last} ({Text(kind.Count)} since the last line)")];
            _kinds.Clear();
        }
        foreach (var line in left) log?.Invoke(line);
    }

    private static string Text(long count) => $"{count} more of this kind";
}
