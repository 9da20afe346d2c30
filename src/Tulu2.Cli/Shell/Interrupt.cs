using System.Runtime.InteropServices;
using Tulu2.Runs.Output;

namespace Tulu2.Cli.Shell;

/// <summary>
/// The signals that stop a command: Ctrl-C, SIGTERM, SIGHUP (the terminal was closed) and SIGQUIT. The first stops it in order, the second ends the process.
/// </summary>
internal sealed partial class Interrupt : IStopSignal, IDisposable
{
    /// <summary>Time that a command without anything to save has to end.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    // `timeout` and shells send one signal to the process and once more to its group; a second one from a person comes later.
    private static readonly TimeSpan SameSignal = TimeSpan.FromSeconds(1);

    // POSIX numbers; a shell reports 128 + n.
    private static readonly (PosixSignal Signal, string Name, int Number)[] Signals =
        [(PosixSignal.SIGHUP, "SIGHUP", 1), (PosixSignal.SIGINT, "SIGINT", 2), (PosixSignal.SIGQUIT, "SIGQUIT", 3), (PosixSignal.SIGTERM, "SIGTERM", 15)];

    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _asked = new();
    private readonly TaskCompletionSource _overdue = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TimeProvider _time;
    private readonly Action<int> _end;
    private IReadOnlyList<PosixSignalRegistration> _registrations = [];
    private (string Name, int Number, long At)? _first;
    private int _holds;
    private bool _isDeferring;
    private PosixSignal? _deferred;

    internal Interrupt(TimeProvider time, Action<int> end) => (_time, _end) = (time, end);

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken Token => _asked.Token;

    /// <summary>Completed when a command that nothing holds has not ended in time.</summary>
    public Task Overdue => _overdue.Task;

    /// <summary>Name of the first signal; null: there was none.</summary>
    public string? Name => _first?.Name;

    /// <summary>The first signal's number; null: there was none.</summary>
    public int? Number => _first?.Number;

    /// <summary>128 + the first signal's number; null: there was none.</summary>
    public int? Code => 128 + _first?.Number;

    /// <summary>Registers for this process's signals.</summary>
    public static Interrupt OfProcess()
    {
        var interrupt = new Interrupt(TimeProvider.System, EndNow);
        // A signal that is ignored, as under `nohup`, stays ignored: the runtime does not register it.
        interrupt._registrations = [.. Signals.Select(signal => PosixSignalRegistration.Create(signal.Signal, context =>
        {
            context.Cancel = true;
            interrupt.Hear(signal.Signal);
        }))];
        return interrupt;
    }

    /// <summary>Sets whether signals wait: they have their effect when this is called with false.</summary>
    public void Defer(bool defers)
    {
        PosixSignal? waiting;
        lock (_gate) (_isDeferring, waiting, _deferred) = (defers, _deferred, null);
        if (waiting is { } signal) Hear(signal);
    }

    /// <summary>A signal has come. Callable from any thread.</summary>
    internal void Hear(PosixSignal signal)
    {
        var (_, name, number) = Signals.Single(known => known.Signal == signal);
        lock (_gate)
        {
            if (_isDeferring)
            {
                _deferred = signal;
                return;
            }
            if (_first is { } first)
            {
                if (_time.GetElapsedTime(first.At) >= SameSignal) _end(128 + number);
                return;
            }
            _first = (name, number, _time.GetTimestamp());
            if (_holds == 0) StartClock();
        }
        // Not on the signal's thread, and not under the lock: callbacks may print or block.
        _ = _asked.CancelAsync();
    }

    /// <summary>Keeps the command alive until the answer is disposed of: something has to be finished, however long it takes.</summary>
    public IDisposable Hold()
    {
        lock (_gate) _holds++;
        return new Held(this);
    }

    public void Dispose()
    {
        foreach (var registration in _registrations) registration.Dispose();
        _asked.Dispose();
    }

    private void StartClock() => _ = Task.Delay(Patience, _time).ContinueWith(_ =>
    {
        lock (_gate)
            if (_holds == 0) _overdue.TrySetResult();
    }, TaskScheduler.Default);

    /// <summary>Ends the process at once, without tearing down native threads, which may still be computing.</summary>
    public static void EndNow(int code)
    {
        Console.Error.Flush();
        Exit(code);
    }

    [LibraryImport("libc", EntryPoint = "_exit")]
    private static partial void Exit(int code);

    private sealed class Held(Interrupt interrupt) : IDisposable
    {
        private bool _released;

        public void Dispose()
        {
            lock (interrupt._gate)
            {
                if (_released) return;
                _released = true;
                if (--interrupt._holds == 0 && interrupt._first is not null) interrupt.StartClock();
            }
        }
    }
}
