using System.Diagnostics;

namespace Tulu2.Collectives.Nccl;

/// <summary>
/// A communicator that can be aborted from any thread and never hangs. No native call blocks; each is made under a lock shared with the abort, which frees the
/// communicator; waiting is polling its state, the stream and the deadline.
/// </summary>
internal sealed class NcclCommunicator(INccl nccl, nint handle, long generation, INcclStream stream) : IDisposable
{
    private readonly Lock _gate = new();
    private string? _aborted;
    private bool _isFreed;

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
            Check(name, call(handle));
        }
    }

    /// <summary>Makes several calls as one NCCL group, so that they progress together.</summary>
    public void Together(Action<Action<string, Func<nint, NcclResult>>> calls, TimeSpan deadline)
    {
        var clock = Stopwatch.StartNew();
        lock (_gate)
        {
            ThrowIfOver();
            Check("ncclGroupStart", nccl.GroupStart());
            // The group must be ended even if one of its calls was rejected, or the thread would stay in it.
            var begun = false;
            try
            {
                calls((name, call) => Check(name, call(handle)));
                begun = true;
            }
            finally
            {
                var ended = nccl.GroupEnd();
                if (begun) Check("ncclGroupEnd", ended);
            }
        }
        Settle(deadline - clock.Elapsed);
    }

    /// <summary>Waits until NCCL has processed the last call; required before the next call on the same communicator.</summary>
    public void Settle(TimeSpan deadline) => Wait(deadline, () => State() != NcclResult.InProgress);

    /// <summary>Waits until all work enqueued on the stream is done.</summary>
    public void Complete(TimeSpan deadline) => Wait(deadline, () => State() != NcclResult.InProgress && stream.IsIdle);

    /// <summary>Ends all pending work on this rank. May be called from any thread and repeatedly.</summary>
    public void Abort(string reason)
    {
        lock (_gate)
        {
            if (_isFreed) return;
            (_aborted, _isFreed) = (reason, true);
            nccl.Abort(handle);
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            if (_isFreed) return;
            _isFreed = true;
            // Destroying a communicator with pending work would wait for its peers.
            if (nccl.GetAsyncError(handle, out var state) == NcclResult.Success && state == NcclResult.Success) nccl.Destroy(handle);
            else nccl.Abort(handle);
        }
    }

    private NcclResult State()
    {
        lock (_gate)
        {
            ThrowIfOver();
            Check("ncclCommGetAsyncError", nccl.GetAsyncError(handle, out var state));
            Check("a pending call", state);
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

    // Called under the lock. Errors a lost peer causes end the generation; errors of this program would recur in the next one.
    private void Check(string call, NcclResult result)
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
        ObjectDisposedException.ThrowIf(_isFreed, this);
    }
}
