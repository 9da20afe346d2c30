namespace Tulu2.Collectives.InProcess;

/// <summary>
/// Synchronizes the ranks of one group, call after call: each rank contributes one object and receives those of all ranks. Once aborted it stays aborted.
/// </summary>
/// <param name="abort">Ends the whole generation at a deadline.</param>
internal sealed class Rendezvous(long generation, int size, Action<string> abort)
{
    private readonly object?[] _contributed = new object?[size];
    private readonly object _signal = new();
    private object?[] _all = [];
    private int _arrived;
    private int _sharing;
    private long _round;
    private string? _aborted;

    public bool Aborted => Volatile.Read(ref _aborted) is not null;

    /// <summary>Waits for all ranks; returns the object each of them contributed, by rank.</summary>
    /// <exception cref="CollectiveAbortedException"/>
    /// <exception cref="TimeoutException">Not all ranks arrived in time. The generation is aborted, since the ranks can no longer agree on which call is
    /// next.</exception>
    public object?[] Meet(int rank, object? contribution, TimeSpan allowed)
    {
        var deadline = new Deadline(allowed);
        var late = $"rank {rank} waited {deadline} for its peers";
        lock (_signal)
        {
            ThrowIfAborted();
            _contributed[rank] = contribution;
            var round = _round;
            if (++_arrived == size)
            {
                _all = (object?[])_contributed.Clone();
                _arrived = 0;
                _round++;
                Monitor.PulseAll(_signal);
                return _all;
            }
            while (_round == round && !deadline.IsOver)
            {
                ThrowIfAborted();
                Monitor.Wait(_signal, deadline.LeftMilliseconds);
            }
            // The next round needs this rank, so the result cannot have been replaced yet.
            if (_round != round) return _all;
            ThrowIfAborted();
            _aborted = late;
            Monitor.PulseAll(_signal);
            WaitUntilNoneShares();
        }
        // Outside the lock: the abort comes back to this rendezvous.
        abort(late);
        throw new TimeoutException($"collective of generation {generation}: not all of {size} ranks arrived within {deadline}");
    }

    /// <summary>
    /// Runs <paramref name="work"/>, which reads or writes the memory of peers. No rank leaves an aborted call during such work, so that no peer frees or
    /// overwrites the memory. <paramref name="work"/> ends early once <see cref="Aborted"/>.
    /// </summary>
    public void Share(Action work)
    {
        lock (_signal)
        {
            ThrowIfAborted();
            _sharing++;
        }
        try
        {
            work();
        }
        finally
        {
            lock (_signal)
            {
                _sharing--;
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
        WaitUntilNoneShares();
        throw new CollectiveAbortedException(generation, _aborted);
    }

    private void WaitUntilNoneShares()
    {
        while (_sharing > 0) Monitor.Wait(_signal);
    }
}
