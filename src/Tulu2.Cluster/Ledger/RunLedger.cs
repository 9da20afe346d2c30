using Akka.Actor;
using Tulu2.Cluster.Messages;
using Tulu2.Files;

namespace Tulu2.Cluster.Ledger;

/// <summary>
/// Keeps the run's ledger. Nothing waits for the disk: a thread writes the entries that have gathered, and another one makes them durable, so that a slow disk makes
/// flushes rarer, not steps longer. An actor that must know that an entry outlives this process sends <see cref="LedgerProtocol.Write"/>; that it outlives this machine,
/// <see cref="LedgerProtocol.Flush"/>.
/// </summary>
internal sealed class RunLedger(LedgerFile file, TimeProvider time) : UntypedActor
{
    private readonly DedicatedThread _thread = new("ledger", RunProtocol.EndRun(Context.Parent));
    private readonly DedicatedThread _disk = new("ledger's disk", RunProtocol.EndRun(Context.Parent));
    private readonly Lock _gate = new();
    private List<(LedgerEvent Event, DateTimeOffset Time)> _gathered = [];
    private int _flushes;
    private volatile bool _failed;
    private bool _closed;

    protected override void OnReceive(object message)
    {
        if (_closed) return;
        switch (message)
        {
            case LedgerProtocol.Append append:
                bool first;
                lock (_gate)
                {
                    first = _gathered.Count == 0;
                    _gathered.Add((append.Event, time.GetUtcNow()));
                }
                if (first) _thread.Post(Write);
                break;
            case LedgerProtocol.Write:
                Answer(_thread, Sender, LedgerProtocol.Written.Instance);
                break;
            case LedgerProtocol.Flush flush:
                var asker = Sender;
                _thread.Post(() => Answer(_disk, asker, new LedgerProtocol.Durable(flush.Tag)));
                break;
            case LedgerProtocol.Close:
                var closer = Sender;
                Close(() => closer.Tell(LedgerProtocol.Closed.Instance));
                break;
        }
    }

    // The actor system may end before the run has closed its log.
    protected override void PostStop()
    {
        if (!_closed) Close(() => { });
    }

    // After a failure nothing is kept any more, and the run, which has been told, ends.
    private void Answer(DedicatedThread thread, IActorRef asker, object answer) => thread.Post(() =>
    {
        if (!_failed) asker.Tell(answer);
    });

    private void Close(Action done)
    {
        _closed = true;
        _thread.Post(() =>
        {
            _disk.Post(() =>
            {
                try
                {
                    file.Dispose();
                }
                finally
                {
                    done();
                }
            });
            _disk.Dispose();
        });
        _thread.Dispose();
    }

    private void Write()
    {
        List<(LedgerEvent, DateTimeOffset)> batch;
        lock (_gate) (batch, _gathered) = (_gathered, []);
        Try(() => file.Write(batch));
        // One flush makes all durable that is written when it begins.
        if (Interlocked.Increment(ref _flushes) > 1) return;
        _disk.Post(() =>
        {
            Interlocked.Exchange(ref _flushes, 0);
            Try(file.Flush);
        });
    }

    private void Try(Action action)
    {
        if (_failed) return;
        try
        {
            action();
        }
        catch (Exception fault)
        {
            _failed = true;
            if (fault is not (IOException or UnauthorizedAccessException)) throw;
            throw new BadInputException("ledger/", $"cannot be written: {FaultText.Of(fault)}", "free space on the disk of the run directory, then resume the run", fault);
        }
    }
}
