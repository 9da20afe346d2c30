using System.Diagnostics;

namespace Tulu2.Runs.Output;

/// <summary>Progress as plain lines for a log: the first report, the last one, and one every few seconds between. Thread-safe.</summary>
internal sealed class ProgressLines(string title, Action<string> say)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly Pace _pace = new();
    private TimeSpan _next;

    public void Report(ProgressSnapshot now)
    {
        lock (_gate)
        {
            var elapsed = _clock.Elapsed;
            var left = _pace.Left(now, elapsed);
            if (elapsed < _next && now.Done != now.Total) return;
            _next = elapsed + Interval;
            say(now.ToLine(title, elapsed, left));
        }
    }
}
