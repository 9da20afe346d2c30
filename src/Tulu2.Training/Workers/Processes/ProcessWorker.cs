using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Sockets;
using Tulu2.Files;

namespace Tulu2.Training.Workers.Processes;

/// <summary>
/// A worker as a process of its own. A thread starts it, reads its reports and tells of its end, however it ends; another one writes to it, so that a
/// stopped process blocks nobody.
/// </summary>
internal sealed class ProcessWorker : IWorker
{
    // Loading libtorch from a cold disk takes a while.
    private static readonly TimeSpan ConnectPatience = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan EndPatience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(50);

    // The longest path that fits into a socket address.
    private const int MaxSocketPath = 107;

    private readonly WorkerProgram _program;
    private readonly WorkerStart _start;
    private readonly Action<WorkerReport> _report;
    private readonly TimeSpan _shutdownPatience;
    private readonly WorkerLog _log;
    private readonly BlockingCollection<WorkerCommand> _commands = [];
    private readonly ManualResetEventSlim _ended = new();
    private volatile Process? _process;
    private volatile bool _disposing;

    public ProcessWorker(WorkerProgram program, WorkerStart start, string? log, TimeSpan shutdownPatience, Action<WorkerReport> report)
    {
        (_program, _start, _report, _shutdownPatience) = (program, start, report, shutdownPatience);
        _log = new WorkerLog(log, start.Rank);
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
        if (!told && !_disposing) _report(Failure(fault.Length > 0 ? fault : exit));
        _ended.Set();
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
            var began = Stopwatch.GetTimestamp();
            while (!listener.Poll(PollInterval, SelectMode.SelectRead))
            {
                if (process.HasExited) throw new IOException("the process ended before it connected");
                if (_disposing) throw new IOException("it is not needed any more");
                if (Stopwatch.GetElapsedTime(began) > ConnectPatience) throw new InvalidOperationException($"worker process {process.Id} did not connect within {ConnectPatience}");
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
