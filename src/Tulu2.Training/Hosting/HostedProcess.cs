using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Sockets;
using Tulu2.Files;

namespace Tulu2.Training.Hosting;

/// <summary>Settings for starting and monitoring a process.</summary>
/// <param name="Program">The executable and its arguments.</param>
/// <param name="Name">Name in the log and in thread names: <c>rank 3</c>.</param>
/// <param name="Codecs">Codecs of its channel's messages.</param>
/// <param name="Start">The first message to it.</param>
/// <param name="Shutdown">The message that asks it to exit.</param>
/// <typeparam name="T">Type of the messages that it sends.</typeparam>
public sealed record HostedProcessSettings<T>(WorkerProgram Program, string Name, ChannelCodecs Codecs, object Start, object Shutdown)
{
    /// <summary>Path of the file to which the process's output is appended; null: the output is discarded.</summary>
    public string? Log { get; init; }

    /// <summary>It is started before it is needed, and accepts commands some time after <see cref="HostedProcess{T}.Begin"/> only.</summary>
    public bool IsSpare { get; init; }

    /// <summary>A process that runs already and has lost its node's process; null: one is started.</summary>
    internal Orphan? Adopts { get; init; }

    /// <summary>Time allowed for a clean shutdown; after it the process is killed.</summary>
    public TimeSpan ShutdownPatience { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Maximum time without a heartbeat, whatever the process is doing; after it the process is killed.</summary>
    public required TimeSpan Patience { get; init; }

    /// <summary>Whether a message is a pure heartbeat, which is not passed on.</summary>
    public required Predicate<T> IsAlive { get; init; }

    /// <summary>Whether a message announces that the process accepts commands.</summary>
    public required Predicate<T> IsReady { get; init; }
}

/// <summary>
/// A worker process that this process starts, communicates with and monitors. One thread starts it, reads its messages and reports its end; another thread
/// writes to it, so that a stopped process does not block the caller.
/// </summary>
/// <typeparam name="T">Type of the messages that it sends.</typeparam>
public sealed class HostedProcess<T> : IDisposable
    where T : class
{
    // Time until it accepts commands. Long, since libtorch may load from a cold disk on a loaded machine; a stopped process is detected by Patience.
    private static readonly TimeSpan StartPatience = TimeSpan.FromMinutes(15);
    private static readonly TimeSpan EndPatience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(50);

    // Checks per Patience.
    private const int Checks = 10;

    private readonly HostedProcessSettings<T> _settings;
    private readonly Action<T> _received;
    private readonly Action<string, string> _ended;
    private readonly WorkerLog _log;
    private readonly BlockingCollection<object> _commands = [];
    private readonly ManualResetEventSlim _over = new();
    private readonly LifeSigns _life = new(Checks);
    private readonly long _memoryKills = MemoryKills.Count();
    private long _began = Stopwatch.GetTimestamp();
    private readonly Timer _watch;
    private long _signs;
    private long _sign = Stopwatch.GetTimestamp();
    private volatile bool _ready, _waits;
    private volatile string? _stopped;
    private volatile WorkerHandle? _process;
    private readonly Lock _leaving = new();
    private WorkerChannel? _channel;
    private volatile bool _disposing, _left;

    /// <param name="received">Called with each message, in order, on one thread.</param>
    /// <param name="ended">
    /// Called on that thread when the process ends without being asked to, with the reason and with the reason plus its last output.
    /// </param>
    public HostedProcess(HostedProcessSettings<T> settings, Action<T> received, Action<string, string> ended)
    {
        (_settings, _received, _ended) = (settings, received, ended);
        _log = new WorkerLog(settings.Log, settings.Name);
        _waits = settings.IsSpare;
        _watch = new Timer(_ => Check(), null, settings.Patience / Checks, settings.Patience / Checks);
        new Thread(Run) { IsBackground = true, Name = $"process of {settings.Name}" }.Start();
    }

    /// <summary>Gives a spare its work.</summary>
    /// <param name="name">Its name in the log from now on.</param>
    public void Begin(string name, object start)
    {
        _log.Name = name;
        Volatile.Write(ref _began, Stopwatch.GetTimestamp());
        _waits = false;
        Send(start);
    }

    public void Send(object command)
    {
        try
        {
            _commands.Add(command);
        }
        catch (InvalidOperationException)
        {
            // Disposed of: there is no process to receive the command.
        }
    }

    /// <summary>Ends the process at once.</summary>
    public void Kill() => _process?.Kill();

    /// <summary>Asks the process to exit, waits until it has finished its writes, and kills it if it does not exit in time.</summary>
    public void Dispose()
    {
        _disposing = true;
        Send(_settings.Shutdown);
        _commands.CompleteAdding();
        if (!_over.Wait(_settings.ShutdownPatience)) Kill();
        _over.Wait();
    }

    /// <summary>Lets go of the process without ending it: it waits for another process, or for this one, to adopt it.</summary>
    public void Leave()
    {
        _commands.CompleteAdding();
        lock (_leaving)
        {
            (_disposing, _left) = (true, true);
            _channel?.Dispose();
        }
    }

    private void Run()
    {
        var (fault, isConnected) = ("", false);
        try
        {
            using var channel = Connect();
            lock (_leaving)
            {
                _channel = channel;
                if (_left) channel.Dispose();
            }
            isConnected = true;
            if (_settings.Adopts is null) channel.Write(_settings.Start);
            new Thread(() => WriteCommands(channel)) { IsBackground = true, Name = $"to {_settings.Name}" }.Start();
            while (channel.Read<T>() is { } message)
            {
                Interlocked.Increment(ref _signs);
                _sign = Stopwatch.GetTimestamp();
                if (_settings.IsAlive(message)) continue;
                _ready |= _settings.IsReady(message);
                _received(message);
            }
        }
        catch (Exception end) when (end is IOException or SocketException or ObjectDisposedException)
        {
            // The process is gone. Its exit code is more informative than this exception, unless it never started.
            if (_process is null) fault = $"the worker process could not be started: {FaultText.Of(end)}";
        }
        catch (Exception end)
        {
            fault = FaultText.Of(end);
        }
        if (_left)
        {
            // It was starting, and has no state that anybody could want.
            if (!isConnected) Kill();
            _watch.Dispose();
            _over.Set();
            return;
        }
        // One that has not connected has nothing to finish.
        var (exit, output) = End(fault.Length > 0 || !isConnected);
        _watch.Dispose();
        if (!_disposing)
        {
            var why = _stopped ?? (fault.Length > 0 ? fault : exit);
            _ended(why, (output ?? _log.LastLines) is { Length: > 0 } lines ? $"{why}; it printed last:\n{lines}" : why);
        }
        _over.Set();
    }

    // Called by the timer on a pool thread.
    private void Check()
    {
        if (_process is not { } process) return;
        lock (_life)
        {
            if (_stopped is not null) return;
            try
            {
                // Until the process can send messages, its CPU time is the only sign of life.
                var used = _ready ? 0 : process.ProcessorTicks;
                if (_life.IsStopped(Interlocked.Read(ref _signs) + used))
                    _stopped = $"worker process {process.Id} gave no sign of life for {_settings.Patience.TotalSeconds:0.#} s"
                        + $"{(_ready ? "" : " while it started")}: it was stopped, or could not run";
                else if (!_ready && !_waits && Stopwatch.GetElapsedTime(Volatile.Read(ref _began)) > StartPatience)
                    _stopped = $"worker process {process.Id} was not ready within {StartPatience.TotalMinutes:0} minutes";
            }
            catch (Exception gone) when (gone is InvalidOperationException or System.ComponentModel.Win32Exception)
            {
                // The process has exited, which the reading thread reports.
                return;
            }
        }
        if (_stopped is not null) Kill();
    }

    /// <summary>
    /// Since the process ended, as far as is known: since its last message, a heartbeat among them. That its channel has closed is no better a mark: the kernel closes it when it has
    /// taken back the memory. After its end.
    /// </summary>
    public TimeSpan SinceEnd => Stopwatch.GetElapsedTime(_sign);

    /// <summary>Memory had run out, as far as is known. After its end.</summary>
    public bool EndedOfMemory { get; private set; }

    private WorkerChannel Connect()
    {
        if (_settings.Adopts is { } orphan)
        {
            _process = orphan.Process;
            return orphan.Channel;
        }
        // Only this user can enter the directory (mode 0700), and the socket accepts a single connection.
        var folder = Directory.CreateTempSubdirectory("tulu2-");
        try
        {
            var path = Path.Combine(folder.FullName, "worker");
            if (path.Length > WorkerChannel.MaxSocketPath) throw new InvalidOperationException($"{path}: is too long for a socket; set TMPDIR to a shorter directory");
            using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            listener.Bind(new UnixDomainSocketEndPoint(path));
            listener.Listen(1);
            var process = ProcessStarter.Start(_settings.Program.With(path));
            _process = new WorkerHandle.Started(process);
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

    // The channel has ended, so the process has exited, or is faulty and must be killed.
    private (string How, string? Output) End(bool faulty)
    {
        if (_process is not { } process) return ("the worker process could not be started", null);
        if (faulty || !process.WaitForExit(EndPatience)) Kill();
        process.WaitForExit(Timeout.InfiniteTimeSpan);
        var kills = MemoryKills.Count() - _memoryKills;
        var (how, output) = process.End(kills);
        EndedOfMemory = !faulty && process.IsOfMemory(kills);
        return ($"worker process {process.Id} {how}", output);
    }
}
