using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Tulu2.Models.Torch;

/// <summary>Where a thread's processor time goes, by kind of operation, while a measurement runs on it; costs one thread-static read otherwise.</summary>
internal sealed partial class OperationClock
{
    [ThreadStatic]
    private static OperationClock? _current;

    private readonly SortedDictionary<string, (long Ticks, long Calls)> _times = new(StringComparer.Ordinal);

    /// <summary>Measures on this thread until null is set.</summary>
    public static OperationClock? Current
    {
        get => _current;
        set => _current = value;
    }

    public static long Start() => _current is null ? 0 : Now();

    public static void Stop(long start, string kind)
    {
        if (start == 0 || _current is not { } clock) return;
        var (ticks, calls) = clock._times.GetValueOrDefault(kind);
        clock._times[kind] = (ticks + Now() - start, calls + 1);
    }

    /// <summary>Seconds and calls of each kind.</summary>
    public IReadOnlyDictionary<string, (double Seconds, long Calls)> Times =>
        _times.ToDictionary(time => time.Key, time => (time.Value.Ticks * 1e-9, time.Value.Calls));

    /// <summary>
    /// Nanoseconds of processor time of this thread, which other processes on busy cores do not add to; elapsed time where the system has none.
    /// </summary>
    public static long Now()
    {
        const int ThreadProcessorTime = 3;
        return OperatingSystem.IsLinux() && GetTime(ThreadProcessorTime, out var time) == 0
            ? time.Seconds * 1_000_000_000 + time.Nanoseconds
            : (long)(Stopwatch.GetTimestamp() * (1e9 / Stopwatch.Frequency));
    }

    private struct TimeSpecification
    {
        public long Seconds;
        public long Nanoseconds;
    }

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static partial int GetTime(int clock, out TimeSpecification time);
}
