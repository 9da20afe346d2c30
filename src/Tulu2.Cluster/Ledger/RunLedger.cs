using Akka.Actor;
using Tulu2.Cluster.Messages;
using Tulu2.Files;

namespace Tulu2.Cluster.Ledger;

/// <summary>
/// Keeps the run's ledger. Appending never waits for the disk: a thread writes the entries that have gathered and makes them durable with one flush, so that a
/// slow disk makes batches larger, not steps longer. An actor that must know that an entry is durable sends <see cref="LedgerProtocol.Flush"/>.
/// </summary>
internal sealed class RunLedger(LedgerFile file, TimeProvider time) : UntypedActor
{
    private readonly DedicatedThread _thread = new("ledger", RunProtocol.EndRun(Context.Parent));
    private readonly Lock _gate = new();
    private List<(LedgerEvent Event, DateTimeOffset Time)> _gathered = [];
    private bool _failed;   // touched by the thread only
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
                if (first) Write();
                break;
            case LedgerProtocol.Flush flush:
                var asker = Sender;
                // After a failure nothing is durable any more, and the run, which has been told, ends.
                _thread.Post(() =>
                {
                    if (!_failed) asker.Tell(new LedgerProtocol.Durable(flush.Tag));
                });
                break;
            case LedgerProtocol.Close:
                var closer = Sender;
                _closed = true;
                _thread.Post(() =>
                {
                    try
                    {
                        file.Dispose();
                    }
                    finally
                    {
                        closer.Tell(LedgerProtocol.Closed.Instance);
                    }
                });
                _thread.Dispose();
                break;
        }
    }

    // The actor system may end before the run has closed its log.
    protected override void PostStop()
    {
        if (_closed) return;
        _thread.Post(file.Dispose);
        _thread.Dispose();
    }

    private void Write() => _thread.Post(() =>
    {
        List<(LedgerEvent, DateTimeOffset)> batch;
        lock (_gate) (batch, _gathered) = (_gathered, []);
        if (_failed) return;
        // Until it has not thrown.
        _failed = true;
        try
        {
            file.Append(batch);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new BadInputException("ledger/", $"cannot be written: {FaultText.Of(fault)}", "free space on the disk of the run directory, then resume the run", fault);
        }
        _failed = false;
    });
}
