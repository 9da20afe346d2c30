using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Tulu2.Training.Hosting;

/// <summary>A worker process's end of the channel to the node that started it.</summary>
public sealed partial class ParentChannel
{
    /// <summary>The exit code of a process whose node is gone.</summary>
    public const int Orphaned = 3;

    private const int SetParentDeathSignal = 1, SignalKill = 9;

    // A node with one second of patience looks ten times in it.
    private static readonly TimeSpan AliveInterval = TimeSpan.FromMilliseconds(250);

    private readonly WorkerChannel _channel;

    private ParentChannel(WorkerChannel channel) => _channel = channel;

    /// <summary>Connects to the node, and sends it signs of life from here on. The process dies with its node.</summary>
    /// <param name="socket">Path of the node's socket.</param>
    /// <param name="alive">The message that is a sign of life.</param>
    public static ParentChannel Open(string socket, ChannelCodecs codecs, object alive)
    {
        // Signals of the terminal are the node's business: it ends its workers in order.
        _ = StartSession();
        _ = ProcessControl(SetParentDeathSignal, SignalKill, 0, 0, 0);
        // Open until the process ends, which is what the node waits for.
        var connection = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        connection.Connect(new UnixDomainSocketEndPoint(socket));
        var parent = new ParentChannel(new WorkerChannel(new NetworkStream(connection), codecs));
        new Thread(() => parent.SayAlive(alive)) { IsBackground = true, Name = "sign of life" }.Start();
        return parent;
    }

    /// <summary>The first message; null: the node is gone.</summary>
    public T? ReadStart<T>() where T : class => _channel.Read<T>();

    /// <summary>
    /// Passes the node's commands on from a thread of its own, and ends the process when the node is gone. Called before the computing thread lowers its
    /// priority, which threads inherit: a command is to be heard at once.
    /// </summary>
    public void Listen<T>(Action<T> received) where T : class =>
        new Thread(() => ReadCommands(received)) { IsBackground = true, Name = "commands" }.Start();

    /// <summary>Sends a message, and ends the process when the node is gone.</summary>
    public void Send(object message)
    {
        try
        {
            _channel.Write(message);
        }
        catch (Exception end) when (end is IOException or ObjectDisposedException)
        {
            Exit(Orphaned);
        }
    }

    private void SayAlive(object alive)
    {
        try
        {
            for (; ; Thread.Sleep(AliveInterval)) _channel.Write(alive);
        }
        catch (Exception end) when (end is IOException or ObjectDisposedException)
        {
            // The thread that reads commands sees the same end.
        }
    }

    private void ReadCommands<T>(Action<T> received) where T : class
    {
        try
        {
            while (_channel.Read<T>() is { } command) received(command);
        }
        catch (Exception end) when (end is IOException or ObjectDisposedException)
        {
            // As the end of the stream.
        }
        catch (Exception fault)
        {
            Console.Error.WriteLine(fault);
        }
        // The node is gone, and with it everyone who could say what comes next.
        Exit(Orphaned);
    }

    // At once, whatever native code other threads are in: nothing that is half written has a name yet.
    [LibraryImport("libc", EntryPoint = "_exit")]
    private static partial void Exit(int code);

    [LibraryImport("libc", EntryPoint = "prctl")]
    private static partial int ProcessControl(int option, nuint value, nuint third, nuint fourth, nuint fifth);

    [LibraryImport("libc", EntryPoint = "setsid")]
    private static partial int StartSession();
}
