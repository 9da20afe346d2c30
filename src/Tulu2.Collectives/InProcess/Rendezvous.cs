using System.Diagnostics;

namespace Tulu2.Collectives.InProcess;

/// <summary>
/// Where the ranks of one generation meet: call after call each brings one object and leaves with everybody's. Once aborted it stays so.
/// </summary>
/// <param name="abort">Ends the whole generation, at a deadline.</param>
internal sealed class Rendezvous(long generation, int size, Action<string> abort)
{
    private readonly object?[] _brought = new object?[size];
    private readonly object _signal = new();
    private object?[] _everybody = [];
    private int _arrived;
    private int _inside;
    private long _meeting;
    private string? _aborted;

    public long Generation => generation;
    public int Size => size;

    public bool Aborted => Volatile.Read(ref _aborted) is not null;

    /// <summary>Waits for all ranks; returns what each of them brought, by rank.</summary>
    /// <exception cref="CollectiveAbortedException"/>
    /// <exception cref="TimeoutException">Not all came in time; the generation is aborted, since those who came can no longer agree on which call is next.</exception>
    public object?[] Meet(int rank, object? bring, TimeSpan deadline)
    {
        var until = Stopwatch.GetTimestamp() + (long)(deadline.TotalSeconds * Stopwatch.Frequency);
        var late = $"rank {rank} waited {deadline.TotalSeconds:0.###} s for its peers";
        lock (_signal)
        {
            ThrowIfAborted();
            _brought[rank] = bring;
            var meeting = _meeting;
            if (++_arrived == size)
            {
                _everybody = (object?[])_brought.Clone();
                _arrived = 0;
                _meeting++;
                Monitor.PulseAll(_signal);
                return _everybody;
            }
            while (_meeting == meeting)
            {
                ThrowIfAborted();
                var left = TimeSpan.FromSeconds((until - Stopwatch.GetTimestamp()) / (double)Stopwatch.Frequency);
                if (left > TimeSpan.Zero && Monitor.Wait(_signal, left)) continue;
                if (_meeting != meeting) break;
                if (left > TimeSpan.Zero) continue;
                _aborted = late;
                Monitor.PulseAll(_signal);
                WaitUntilNobodyIsInside();
                break;
            }
            // The next meeting needs this rank, so nobody can have replaced the result yet.
            if (_meeting != meeting) return _everybody;
        }
        // Outside the lock: the abort comes back to this meeting.
        abort(late);
        throw new TimeoutException($"collective of generation {generation}: not all of {size} ranks came within {deadline.TotalSeconds:0.###} s");
    }

    /// <summary>
    /// Runs <paramref name="work"/>, which touches the memory of peers. Nobody leaves an aborted call while work is going on, so that no peer frees or
    /// overwrites what is being read. <paramref name="work"/> ends early once <see cref="Aborted"/>.
    /// </summary>
    public void Inside(Action work)
    {
        lock (_signal)
        {
            ThrowIfAborted();
            _inside++;
        }
        try
        {
            work();
        }
        finally
        {
            lock (_signal)
            {
                _inside--;
                Monitor.PulseAll(_signal);
            }
        }
    }

    public void AbortHere(string reason)
    {
        lock (_signal)
        {
            if (_aborted is not null) return;
            Volatile.Write(ref _aborted, reason);
            Monitor.PulseAll(_signal);
        }
    }

    private void ThrowIfAborted()
    {
        if (_aborted is null) return;
        WaitUntilNobodyIsInside();
        throw new CollectiveAbortedException(generation, _aborted);
    }

    private void WaitUntilNobodyIsInside()
    {
        while (_inside > 0) Monitor.Wait(_signal);
    }
}
