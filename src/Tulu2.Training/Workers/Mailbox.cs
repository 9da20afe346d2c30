using System.Diagnostics.CodeAnalysis;
using Tulu2.Collectives;
using Tulu2.Protocol.Workers;

namespace Tulu2.Training.Workers;

/// <summary>
/// A worker's commands in order. Posting one that ends a generation (<see cref="WorkerCommand.JoinGeneration"/>, <see cref="WorkerCommand.Shutdown"/>)
/// also aborts, from the sender's thread, the collective the worker may be waiting in, however sender and worker interleave.
/// </summary>
internal sealed class Mailbox
{
    private readonly Lock _entering = new();
    private readonly Queue<WorkerCommand> _commands = new();
    private ICollective? _current;
    private Action<string>? _abortToo;
    private long _fence = long.MinValue;

    /// <summary>Effects of generations below this are forbidden, even where the command that says so is still in the queue.</summary>
    public long Fence
    {
        get { lock (_entering) return _fence; }
    }

    public void Post(WorkerCommand command)
    {
        var fence = command switch
        {
            WorkerCommand.JoinGeneration join => join.Generation,
            WorkerCommand.Shutdown => long.MaxValue,
            _ => long.MinValue,
        };
        lock (_commands)
        {
            _commands.Enqueue(command);
            Monitor.Pulse(_commands);
        }
        if (fence == long.MinValue) return;
        lock (_entering)
        {
            if (fence <= _fence) return;
            _fence = fence;
            if (_current is { } current && current.Generation < fence) AbortCurrent("a newer generation has begun");
        }
    }

    public bool TryTake([NotNullWhen(true)] out WorkerCommand? command)
    {
        lock (_commands) return _commands.TryDequeue(out command);
    }

    public WorkerCommand Take()
    {
        lock (_commands)
        {
            while (_commands.Count == 0) Monitor.Wait(_commands);
            return _commands.Dequeue();
        }
    }

    /// <summary>Makes a collective the one that a later generation ends; the one before is disposed of.</summary>
    public void Enter(ICollective? collective)
    {
        lock (_entering)
        {
            _current?.Dispose();
            (_current, _abortToo) = (collective, null);
            if (collective is not null && collective.Generation < _fence) AbortCurrent("a newer generation has begun");
        }
    }

    /// <summary>Adds what is to be aborted together with the current collective; at once where that is over already.</summary>
    public void EnterToo(Action<string> abort)
    {
        lock (_entering)
        {
            _abortToo = abort;
            if (_current is null || _current.Generation < _fence) abort("a newer generation has begun");
        }
    }

    /// <summary>Ends the current collective on this rank and its peers.</summary>
    public void Abort(string reason)
    {
        lock (_entering) AbortCurrent(reason);
    }

    private void AbortCurrent(string reason)
    {
        _current?.Abort(reason);
        _abortToo?.Invoke(reason);
    }
}
