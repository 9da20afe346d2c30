using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Tulu2.Training.Hosting;

/// <summary>A worker process's end of the channel to the node that started it.</summary>
public sealed partial class ParentChannel
{
    /// <summary>Exit code of a process whose node is gone.</summary>
    public const int Orphaned = 3;

    private const int SetParentDeathSignal = 1, SignalKill = 9;

    // A node with one second of patience checks every 100 ms and replaces the process after ten checks without a sign of life.
    private static readonly TimeSpan AliveInterval = TimeSpan.FromMilliseconds(250);

    private readonly Lock _gate = new();
    private volatile WorkerChannel _channel;
    private Adoption? _adoption;   // null: this process ends with its node's
    private WorkerIntroduction? _introduction;
    private object? _ready, _lasting;

    private readonly ChannelCodecs _codecs;

    private ParentChannel(WorkerChannel channel, ChannelCodecs codecs) => (_channel, _codecs) = (channel, codecs);

    /// <summary>Connects to the node and starts sending heartbeats. From then on the kernel kills this process when its node dies.</summary>
    /// <param name="socket">Path of the node's socket.</param>
    /// <param name="alive">The heartbeat message.</param>
    public static ParentChannel Open(string socket, ChannelCodecs codecs, object alive)
    {
        // In a session of its own the process gets no signals of the terminal; the node handles them and shuts its workers down.
        _ = StartSession();
        _ = ProcessControl(SetParentDeathSignal, SignalKill, 0, 0, 0);
        // Never closed: the node takes the end of the connection for the end of the process.
        var connection = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        connection.Connect(new UnixDomainSocketEndPoint(socket));
        var parent = new ParentChannel(new WorkerChannel(new NetworkStream(connection), codecs), codecs);
        new Thread(() => parent.SayAlive(alive)) { IsBackground = true, Name = "sign of life" }.Start();
        return parent;
    }

    /// <summary>Reads the first message; null: the node is gone.</summary>
    public T? ReadStart<T>() where T : class => _channel.Read<T>();

    /// <summary>From now on this process outlives its node's, and waits for the successor. Call this before <see cref="Listen{T}"/>.</summary>
    internal void OutliveNode(Adoption adoption, WorkerIntroduction introduction)
    {
        (_adoption, _introduction) = (adoption, introduction);
        _ = ProcessControl(SetParentDeathSignal, 0, 0, 0, 0);
    }

    /// <summary>Sends the message that says that this process accepts commands. A successor of the node's process gets it as well.</summary>
    internal void SendReady(object message)
    {
        lock (_gate) _ready = message;
        Send(message);
    }

    /// <summary>Sends a message that a successor of the node's process is to know as well.</summary>
    internal void SendLasting(object message)
    {
        lock (_gate) _lasting = message;
        Send(message);
    }

    /// <summary>
    /// Starts a thread that passes on the node's commands, and exits the process when the node is gone. Call this before the computing thread lowers its
    /// priority: new threads inherit the priority, and commands should be received without delay.
    /// </summary>
    public void Listen<T>(Action<T> received) where T : class =>
        new Thread(() => ReadCommands(received)) { IsBackground = true, Name = "commands" }.Start();

    /// <summary>Sends a message. If the node is gone, exits the process, or drops the message where a successor may come: it will ask.</summary>
    public void Send(object message)
    {
        try
        {
            _channel.Write(message);
        }
        catch (Exception end) when (end is IOException or ObjectDisposedException)
        {
            if (_adoption is null) Exit(Orphaned);
        }
    }

    private void SayAlive(object alive)
    {
        for (; ; Thread.Sleep(AliveInterval))
        {
            try
            {
                _channel.Write(alive);
            }
            catch (Exception end) when (end is IOException or ObjectDisposedException)
            {
                // The thread that reads commands notices the same end.
                if (_adoption is null) return;
            }
        }
    }

    private void ReadCommands<T>(Action<T> received) where T : class
    {
        do ReadToEnd(received);
        while (_adoption is not null && IsAdopted(_adoption, _introduction!));
        // The node is gone, so no more commands can arrive.
        Exit(Orphaned);
    }

    private bool IsAdopted(Adoption adoption, WorkerIntroduction introduction)
    {
        if (adoption.Await() is not { } connection) return false;
        try
        {
            var channel = new WorkerChannel(new NetworkStream(connection, ownsSocket: true), _codecs);
            channel.Write(introduction);
            // Whatever is said from now on comes after it.
            lock (_gate)
            {
                if (_ready is { } ready) channel.Write(ready);
                if (_lasting is { } lasting) channel.Write(lasting);
                _channel = channel;
            }
        }
        catch (Exception end) when (end is IOException or SocketException or ObjectDisposedException)
        {
            // The successor is gone as well, which the next read notices.
        }
        return true;
    }

    private void ReadToEnd<T>(Action<T> received) where T : class
    {
        try
        {
            while (_channel.Read<T>() is { } command) received(command);
        }
        catch (Exception end) when (end is IOException or ObjectDisposedException)
        {
            // Same as the end of the stream.
        }
        catch (Exception fault)
        {
            Console.Error.WriteLine(fault);
        }
    }

    // Exits at once, whatever native code other threads are running. Safe, since an unfinished file does not have its final name yet.
    [LibraryImport("libc", EntryPoint = "_exit")]
    private static partial void Exit(int code);

    [LibraryImport("libc", EntryPoint = "prctl")]
    private static partial int ProcessControl(int option, nuint value, nuint third, nuint fourth, nuint fifth);

    [LibraryImport("libc", EntryPoint = "setsid")]
    private static partial int StartSession();
}
