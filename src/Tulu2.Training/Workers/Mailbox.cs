using System.Diagnostics.CodeAnalysis;
using Tulu2.Collectives;
using Tulu2.Protocol.Workers;

namespace Tulu2.Training.Workers;

/// <summary>
/// A worker's queue of commands. Posting a command that ends a generation (<see cref="WorkerCommand.JoinGeneration"/>, <see cref="WorkerCommand.Shutdown"/>)
/// also aborts, on the sender's thread, the collective in which the worker may be waiting. This holds for every interleaving of sender and worker.
/// </summary>
internal sealed class Mailbox
{
    private readonly Lock _entering = new();
    private readonly Queue<WorkerCommand> _commands = new();
    private ICollective? _current;
    private Action<string>? _abortToo;
    private long _fence = long.MinValue;

    /// <summary>Generations below this one must have no more effect, even while the command that ended them is still in the queue.</summary>
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

    /// <summary>Sets the current collective, which a later generation aborts, and disposes of the previous one.</summary>
    public void Enter(ICollective? collective)
    {
        lock (_entering)
        {
            _current?.Dispose();
            (_current, _abortToo) = (collective, null);
            if (collective is not null && collective.Generation < _fence) AbortCurrent("a newer generation has begun");
        }
    }

    /// <summary>Registers an action to run when the current collective is aborted; runs it at once if that has happened already.</summary>
    public void EnterToo(Action<string> abort)
    {
        lock (_entering)
        {
            _abortToo = abort;
            if (_current is null || _current.Generation < _fence) abort("a newer generation has begun");
        }
    }

    /// <summary>Aborts the current collective on this rank and its peers.</summary>
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
