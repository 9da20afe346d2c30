using System.Diagnostics;

namespace Tulu2.Collectives.Nccl;

/// <summary>
/// A communicator that can be aborted from any thread and never hangs: no native call blocks, each is made under a lock with the abort (which frees the
/// communicator), and waiting means to poll its state, the stream and the deadline.
/// </summary>
internal sealed class NcclCommunicator(INccl nccl, nint handle, long generation, INcclStream stream) : IDisposable
{
    private readonly Lock _gate = new();
    private string? _aborted;
    private bool _gone;

    public INccl Nccl => nccl;
    public INcclStream Stream => stream;
    public long Generation => generation;

    /// <summary>Makes one native call with the communicator's handle.</summary>
    /// <exception cref="CollectiveAbortedException">The communicator was aborted.</exception>
    /// <exception cref="NcclException">NCCL refused the call.</exception>
    public void Call(string name, Func<nint, NcclResult> call)
    {
        lock (_gate)
        {
            ThrowIfOver();
            Judge(name, call(handle));
        }
    }

    /// <summary>Makes several calls that NCCL starts together.</summary>
    public void Together(Action<Action<string, Func<nint, NcclResult>>> calls, TimeSpan deadline)
    {
        var clock = Stopwatch.StartNew();
        lock (_gate)
        {
            ThrowIfOver();
            Judge("ncclGroupStart", nccl.GroupStart());
            // A group must be ended even where one of its calls was refused, or the thread stays in it.
            var begun = false;
            try
            {
                calls((name, call) => Judge(name, call(handle)));
                begun = true;
            }
            finally
            {
                var ended = nccl.GroupEnd();
                if (begun) Judge("ncclGroupEnd", ended);
            }
        }
        Settle(deadline - clock.Elapsed);
    }

    /// <summary>Waits until NCCL has taken what it was told: between a call and the next one of the same communicator.</summary>
    public void Settle(TimeSpan deadline) => Wait(deadline, () => State() != NcclResult.InProgress);

    /// <summary>Waits until the stream has done all that was put on it.</summary>
    public void Complete(TimeSpan deadline) => Wait(deadline, () => State() != NcclResult.InProgress && stream.IsIdle);

    /// <summary>Ends everything that is under way on this rank. Callable from any thread, more than once.</summary>
    public void Abort(string reason)
    {
        lock (_gate)
        {
            if (_gone) return;
            (_aborted, _gone) = (reason, true);
            nccl.Abort(handle);
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            if (_gone) return;
            _gone = true;
            // A communicator with work under way cannot be destroyed in an orderly way without waiting for its peers.
            if (nccl.GetAsyncError(handle, out var state) == NcclResult.Success && state == NcclResult.Success) nccl.Destroy(handle);
            else nccl.Abort(handle);
        }
    }

    private NcclResult State()
    {
        lock (_gate)
        {
            ThrowIfOver();
            Judge("ncclCommGetAsyncError", nccl.GetAsyncError(handle, out var state));
            Judge("a call under way", state);
            return state;
        }
    }

    private void Wait(TimeSpan deadline, Func<bool> done)
    {
        var clock = Stopwatch.StartNew();
        var spin = new SpinWait();
        while (!done())
        {
            if (clock.Elapsed > deadline)
            {
                Abort($"no answer within {deadline}");
                throw new TimeoutException($"NCCL: no answer within {deadline}");
            }
            spin.SpinOnce(sleep1Threshold: -1);
        }
    }

    // Under the lock. What a lost peer causes ends the generation; what we did wrong does not get better in the next one.
    private void Judge(string call, NcclResult result)
    {
        switch (result)
        {
            case NcclResult.Success or NcclResult.InProgress:
                return;
            case NcclResult.RemoteError or NcclResult.SystemError or NcclResult.Timeout:
                Abort($"NCCL: {call} ended with {result}: {nccl.Describe(result)}");
                ThrowIfOver();
                return;
            default:
                throw new NcclException(call, result, nccl.Describe(result));
        }
    }

    private void ThrowIfOver()
    {
        if (_aborted is not null) throw new CollectiveAbortedException(generation, _aborted);
        ObjectDisposedException.ThrowIf(_gone, this);
    }
}
