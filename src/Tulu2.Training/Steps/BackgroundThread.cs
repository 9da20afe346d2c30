using Tulu2.Models.Torch;

namespace Tulu2.Training.Steps;

/// <summary>A second thread of a rank, at the same priority, which runs one action at a time while the first thread computes. It starts on first use.</summary>
internal sealed class BackgroundThread(string name) : IDisposable
{
    private readonly object _gate = new();
    private Thread? _thread;
    private Action? _work;
    private Exception? _fault;
    private bool _busy, _closed;

    /// <summary>The exception that ended the last action; null: it succeeded or is still running.</summary>
    public Exception? Fault
    {
        get { lock (_gate) return _fault; }
    }

    /// <exception cref="InvalidOperationException">An action is running, or the thread is disposed.</exception>
    public void Start(Action work)
    {
        lock (_gate)
        {
            if (_busy || _closed) throw new InvalidOperationException($"{name}: busy or disposed");
            (_work, _fault, _busy) = (work, null, true);
            Monitor.PulseAll(_gate);
            if (_thread is not null) return;
            _thread = new Thread(Run) { IsBackground = true, Name = name };
            _thread.Start();
        }
    }

    /// <summary>Waits for the running action, if any.</summary>
    /// <returns>The exception that ended the last action; null: it succeeded.</returns>
    public Exception? Join()
    {
        lock (_gate)
        {
            while (_busy) Monitor.Wait(_gate);
            return _fault;
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _closed = true;
            Monitor.PulseAll(_gate);
        }
        _thread?.Join();
    }

    private void Run()
    {
        TorchRuntime.EnterRankThread();
        while (true)
        {
            Action work;
            lock (_gate)
            {
                while (_work is null && !_closed) Monitor.Wait(_gate);
                if (_work is null) return;
                (work, _work) = (_work, null);
            }
            Exception? fault = null;
            try
            {
                work();
            }
            catch (Exception thrown)
            {
                fault = thrown;
            }
            lock (_gate)
            {
                (_fault, _busy) = (fault, false);
                Monitor.PulseAll(_gate);
            }
        }
    }
}
