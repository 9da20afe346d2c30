using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Sockets;
using Tulu2.Files;

namespace Tulu2.Training.Hosting;

/// <summary>How a process is started and watched.</summary>
/// <param name="Program">The executable and its arguments.</param>
/// <param name="Name">In the log and in names of threads: <c>rank 3</c>.</param>
/// <param name="Codecs">The messages of its channel.</param>
/// <param name="Start">The first message to it.</param>
/// <param name="Shutdown">The message that asks it to end.</param>
/// <typeparam name="T">The messages that come from it.</typeparam>
public sealed record HostedProcessSettings<T>(WorkerProgram Program, string Name, ChannelCodecs Codecs, object Start, object Shutdown)
{
    /// <summary>Takes what the process prints; null: nothing does.</summary>
    public string? Log { get; init; }

    /// <summary>How long an orderly end may take; then it is killed.</summary>
    public TimeSpan ShutdownPatience { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long the process may give no sign of life, whatever it computes; then it is killed.</summary>
    public required TimeSpan Patience { get; init; }

    /// <summary>A message that is a sign of life and nothing else; it is not passed on.</summary>
    public required Predicate<T> IsAlive { get; init; }

    /// <summary>The message by which the process says that it takes commands.</summary>
    public required Predicate<T> IsReady { get; init; }
}

/// <summary>
/// A worker process that this process starts, talks to and watches. One thread starts it, reads its messages and reports its end, however it ends; another one
/// writes to it, so that a stopped process blocks nobody.
/// </summary>
/// <typeparam name="T">The messages that come from it.</typeparam>
public sealed class HostedProcess<T> : IDisposable
    where T : class
{
    // Until it takes commands. Loading libtorch from a cold disk takes a while, and so does a machine under load; one that is stopped is noticed by itself.
    private static readonly TimeSpan StartPatience = TimeSpan.FromMinutes(15);
    private static readonly TimeSpan EndPatience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(50);

    // Looks within its patience.
    private const int Looks = 10;

    // The longest path that fits into a socket address.
    private const int MaxSocketPath = 107;

    private readonly HostedProcessSettings<T> _settings;
    private readonly Action<T> _received;
    private readonly Action<string, string> _ended;
    private readonly WorkerLog _log;
    private readonly BlockingCollection<object> _commands = [];
    private readonly ManualResetEventSlim _over = new();
    private readonly LifeSigns _life = new(Looks);
    private readonly long _began = Stopwatch.GetTimestamp();
    private readonly Timer _watch;
    private long _signs;
    private volatile bool _ready;
    private volatile string? _stopped;
    private volatile Process? _process;
    private volatile bool _disposing;

    /// <param name="received">Called with each message, in order, on one thread.</param>
    /// <param name="ended">Called on that thread at the end of a process that was not asked to end: why, and the same with its last lines.</param>
    public HostedProcess(HostedProcessSettings<T> settings, Action<T> received, Action<string, string> ended)
    {
        (_settings, _received, _ended) = (settings, received, ended);
        _log = new WorkerLog(settings.Log, settings.Name);
        _watch = new Timer(_ => Look(), null, settings.Patience / Looks, settings.Patience / Looks);
        new Thread(Run) { IsBackground = true, Name = $"process of {settings.Name}" }.Start();
    }

    public void Send(object command)
    {
        try
        {
            _commands.Add(command);
        }
        catch (InvalidOperationException)
        {
            // It has been disposed of: there is no process to hear it.
        }
    }

    /// <summary>Ends the process at once.</summary>
    public void Kill()
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

    /// <summary>Asks the process to end, waits until it has written what it was writing, and kills it when it does not end in time.</summary>
    public void Dispose()
    {
        _disposing = true;
        Send(_settings.Shutdown);
        _commands.CompleteAdding();
        if (!_over.Wait(_settings.ShutdownPatience)) Kill();
        _over.Wait();
    }

    private void Run()
    {
        var fault = "";
        try
        {
            using var channel = Connect();
            channel.Write(_settings.Start);
            new Thread(() => WriteCommands(channel)) { IsBackground = true, Name = $"to {_settings.Name}" }.Start();
            while (channel.Read<T>() is { } message)
            {
                Interlocked.Increment(ref _signs);
                if (_settings.IsAlive(message)) continue;
                _ready |= _settings.IsReady(message);
                _received(message);
            }
        }
        catch (Exception end) when (end is IOException or SocketException)
        {
            // The process is gone; its exit code says more, unless it never started.
            if (_process is null) fault = $"the worker process could not be started: {FaultText.Of(end)}";
        }
        catch (Exception end)
        {
            fault = FaultText.Of(end);
        }
        var exit = End(fault.Length > 0);
        _watch.Dispose();
        if (!_disposing)
        {
            var why = _stopped ?? (fault.Length > 0 ? fault : exit);
            _ended(why, _log.LastLines is { Length: > 0 } lines ? $"{why}; it printed last:\n{lines}" : why);
        }
        _over.Set();
    }

    // At intervals, on a thread of the pool.
    private void Look()
    {
        if (_process is not { } process) return;
        lock (_life)
        {
            if (_stopped is not null) return;
            try
            {
                // Before it can send anything, that it uses the processor is the only sign there is.
                process.Refresh();
                var used = _ready ? 0 : process.TotalProcessorTime.Ticks;
                if (_life.IsStopped(Interlocked.Read(ref _signs) + used))
                    _stopped = $"worker process {process.Id} gave no sign of life for {_settings.Patience.TotalSeconds:0.#} s"
                        + $"{(_ready ? "" : " while it started")}: it was stopped, or could not run";
                else if (!_ready && Stopwatch.GetElapsedTime(_began) > StartPatience)
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
            var process = _process = ProcessStarter.Start(_settings.Program.With(path));
            process.OutputDataReceived += (_, line) => _log.Add(line.Data);
            process.ErrorDataReceived += (_, line) => _log.Add(line.Data);
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
            while (!listener.Poll(PollInterval, SelectMode.SelectRead))
            {
                if (process.HasExited) throw new IOException("the process ended before it connected");
                if (_disposing) throw new IOException("it is not needed any more");
            }
            return new WorkerChannel(new NetworkStream(listener.Accept(), ownsSocket: true), _settings.Codecs);
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
            // The reading thread sees the same end and reports it.
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
}
