namespace Tulu2.Collectives.InProcess;

/// <summary>Messages from one rank to another, copied when sent. Once aborted it stays aborted.</summary>
/// <param name="abort">Ends the generation at a deadline.</param>
internal sealed class MessageQueue(long generation, Action<string> abort)
{
    private readonly Queue<byte[]> _messages = new();
    private readonly object _signal = new();
    private string? _aborted;

    public void Put(byte[] message, TimeSpan deadline) => Wait(() => _messages.Count < ICollective.SendWindow, () =>
    {
        _messages.Enqueue(message);
        return message;
    }, new Deadline(deadline));

    public byte[] Take(TimeSpan deadline) => Wait(() => _messages.Count > 0, _messages.Dequeue, new Deadline(deadline));

    public void AbortHere(string reason)
    {
        lock (_signal)
        {
            _aborted ??= reason;
            Monitor.PulseAll(_signal);
        }
    }

    private byte[] Wait(Func<bool> isReady, Func<byte[]> act, Deadline deadline)
    {
        lock (_signal)
        {
            while (true)
            {
                if (_aborted is { } reason) throw new CollectiveAbortedException(generation, reason);
                if (isReady())
                {
                    var result = act();
                    Monitor.PulseAll(_signal);
                    return result;
                }
                if (deadline.IsOver) break;
                Monitor.Wait(_signal, deadline.LeftMilliseconds);
            }
        }
        // Outside the lock: the abort comes back to this queue.
        abort($"a message waited {deadline} for the other end");
        throw new TimeoutException($"collective of generation {generation}: no answer from the other end within {deadline}");
    }
}
