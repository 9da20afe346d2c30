using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics;

namespace Tulu2.Cluster.Benchmarks;

/// <summary>When the last rank was ready for each step, and when the last one had its commit. Called by all ranks at once.</summary>
internal sealed class ControlRecord(int ranks, int steps)
{
    private readonly ConcurrentQueue<object> _messages = new();
    private readonly int[] _ready = new int[steps + 1];
    private readonly int[] _told = new int[steps + 1];
    private readonly long[] _readyAt = new long[steps + 1];
    private readonly long[] _toldAt = new long[steps + 1];

    // Neither the first nor the last.
    private int Sample => steps / 2;

    public int Steps => steps;

    public void Ready(int step)
    {
        if (Interlocked.Increment(ref _ready[step]) == ranks) _readyAt[step] = Stopwatch.GetTimestamp();
    }

    public void Told(int step)
    {
        if (Interlocked.Increment(ref _told[step]) == ranks) _toldAt[step] = Stopwatch.GetTimestamp();
    }

    /// <summary>A message that goes to the supervisor or comes from it, about a step.</summary>
    public void Passed(int step, object message)
    {
        if (step == Sample) _messages.Enqueue(message);
    }

    public IReadOnlyCollection<object> MessagesOfOneStep() => _messages;

    /// <summary>In seconds, ascending: from ready to told, and from commit to commit, of the steps after these.</summary>
    public (ImmutableArray<double> Latencies, ImmutableArray<double> Between) Since(int step)
    {
        var measured = Enumerable.Range(step + 1, steps - step).ToArray();
        return ([.. measured.Select(each => Stopwatch.GetElapsedTime(_readyAt[each], _toldAt[each]).TotalSeconds).Order()],
            [.. measured.Select(each => Stopwatch.GetElapsedTime(_toldAt[each - 1], _toldAt[each]).TotalSeconds).Order()]);
    }
}
