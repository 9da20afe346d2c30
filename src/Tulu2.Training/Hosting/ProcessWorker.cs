using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Sockets;
using Tulu2.Files;
using Tulu2.Protocol.Workers;

namespace Tulu2.Training.Hosting;

/// <summary>
/// A worker as a process of its own. A thread starts it, reads its reports and tells of its end, however it ends; another one writes to it, so that a
/// stopped process blocks nobody. One that gives no sign of life is killed.
/// </summary>
internal sealed class ProcessWorker : IWorker
{
    // Until it takes commands. Loading libtorch from a cold disk takes a while, and so does a machine under load; one that is stopped is noticed by itself.
    private static readonly TimeSpan StartPatience = TimeSpan.FromMinutes(15);
    private static readonly TimeSpan EndPatience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(50);

    // So many times within its patience.
    private const int Looks = 10;

    // The longest path that fits into a socket address.
    private const int MaxSocketPath = 107;

    private readonly WorkerProgram _program;
    private readonly WorkerStart _start;
    private readonly Action<WorkerReport> _report;
    private readonly TimeSpan _shutdownPatience;
    private readonly WorkerLog _log;
    private readonly BlockingCollection<WorkerCommand> _commands = [];
    private readonly ManualResetEventSlim _ended = new();
    private readonly LifeSigns _life = new(Looks);
    private readonly TimeSpan _patience;
    private readonly long _began = Stopwatch.GetTimestamp();
    private readonly Timer _watch;
    private long _reports;
    private volatile bool _started;
    private volatile string? _stopped;
    private volatile Process? _process;
    private volatile bool _disposing;

    public ProcessWorker(WorkerProgram program, WorkerStart start, string? log, TimeSpan shutdownPatience, TimeSpan patience, Action<WorkerReport> report)
    {
        (_program, _start, _report, _shutdownPatience, _patience) = (program, start, report, shutdownPatience, patience);
        _log = new WorkerLog(log, start.Rank);
        _watch = new Timer(_ => Look(), null, patience / Looks, patience / Looks);
        new Thread(Run) { IsBackground = true, Name = $"worker process of rank {start.Rank}" }.Start();
    }

    /// <summary>Of the process; null before it is started.</summary>
    public int? ProcessId => _process?.Id;

    public void Send(WorkerCommand command)
    {
        try
        {
            _commands.Add(command);
        }
        catch (InvalidOperationException)
        {
            // It has been disposed of: nobody is there to hear it.
        }
    }

    /// <summary>Asks the process to end, waits until it has written what it was writing, and kills it when it does not end in time.</summary>
    public void Dispose()
    {
        _disposing = true;
        Send(new WorkerCommand.Shutdown());
        _commands.CompleteAdding();
        if (!_ended.Wait(_shutdownPatience)) Kill();
        _ended.Wait();
    }

    private void Run()
    {
        var told = false;
        string fault = "";
        try
        {
            using var channel = Connect();
            channel.Write(_start);
            new Thread(() => WriteCommands(channel)) { IsBackground = true, Name = $"to rank {_start.Rank}" }.Start();
            while (channel.Read<WorkerReport>() is { } report)
            {
                Interlocked.Increment(ref _reports);
                if (report is WorkerReport.Alive) continue;
                _started |= report is WorkerReport.Started;
                told |= report is WorkerReport.Failed;
                _report(report);
            }
        }
        catch (Exception end) when (end is IOException or SocketException)
        {
            // The process is gone; its exit code says more, unless there never was one.
            if (_process is null) fault = $"the worker process could not be started: {FaultText.Of(end)}";
        }
        catch (Exception end)
        {
            fault = FaultText.Of(end);
        }
        var exit = End(fault.Length > 0);
        _watch.Dispose();
        if (!told && !_disposing) _report(Failure(_stopped ?? (fault.Length > 0 ? fault : exit)));
        _ended.Set();
    }

    // From time to time, on a thread of the pool.
    private void Look()
    {
        if (_process is not { } process) return;
        lock (_life)
        {
            if (_stopped is not null) return;
            try
            {
                // Before it can say anything, that it uses the processor is the only sign there is.
                process.Refresh();
                var used = _started ? 0 : process.TotalProcessorTime.Ticks;
                if (_life.IsStopped(Interlocked.Read(ref _reports) + used))
                    _stopped = $"worker process {process.Id} gave no sign of life for {_patience.TotalSeconds:0.#} s{(_started ? "" : " while it started")}: it was stopped, or could not run";
                else if (!_started && Stopwatch.GetElapsedTime(_began) > StartPatience)
                    _stopped = $"worker process {process.Id} was not ready within {StartPatience.TotalMinutes:0} minutes";
            }
            catch (Exception gone) when (gone is InvalidOperationException or System.ComponentModel.Win32Exception)
            {
                // It has ended by itself, which is seen elsewhere.
                return;
            }
        }
        if (_stopped is not null) Kill();
    }

    private WorkerChannel Connect()
    {
        // Only this user can enter the directory (mode 0700), and the socket takes one connection only.
        var folder = Directory.CreateTempSubdirectory("tulu2-");
        try
        {
            var path = Path.Combine(folder.FullName, "worker");
            if (path.Length > MaxSocketPath) throw new InvalidOperationException($"{path}: is too long for a socket; set TMPDIR to a shorter directory");
            using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            listener.Bind(new UnixDomainSocketEndPoint(path));
            listener.Listen(1);
            var process = _process = ProcessStarter.Start(_program.With(path));
            process.OutputDataReceived += (_, line) => _log.Add(line.Data);
            process.ErrorDataReceived += (_, line) => _log.Add(line.Data);
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
            while (!listener.Poll(PollInterval, SelectMode.SelectRead))
            {
                if (process.HasExited) throw new IOException("the process ended before it connected");
                if (_disposing) throw new IOException("it is not needed any more");
            }
            return new WorkerChannel(new NetworkStream(listener.Accept(), ownsSocket: true));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private void WriteCommands(WorkerChannel channel)
    {
        try
        {
            foreach (var command in _commands.GetConsumingEnumerable()) channel.Write(command);
        }
        catch (Exception end) when (end is IOException or SocketException or ObjectDisposedException)
        {
            // The reading thread sees the same end and tells of it.
        }
        catch (Exception end)
        {
            _log.Add(end.ToString());
            Kill();
        }
    }

    // The channel is at its end, so the process is, or has lost its way.
    private string End(bool faulty)
    {
        if (_process is not { } process) return "the worker process could not be started";
        if (faulty || !process.WaitForExit(EndPatience)) Kill();
        // Without a time this waits for the last lines too.
        process.WaitForExit();
        return $"worker process {process.Id} {ProcessEnd.Describe(process.ExitCode)}";
    }

    private WorkerReport.Failed Failure(string why) =>
        new(-1, _start.Rank, why, _log.LastLines is { Length: > 0 } lines ? $"{why}; it printed last:\n{lines}" : why, null, null);

    private void Kill()
    {
        try
        {
            _process?.Kill();
        }
        catch (InvalidOperationException)
        {
            // It has ended by itself.
        }
    }
}
