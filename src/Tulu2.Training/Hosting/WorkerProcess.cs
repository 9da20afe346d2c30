using System.Net.Sockets;
using System.Runtime.InteropServices;
using Tulu2.Collectives;
using Tulu2.Models.Parameters;
using Tulu2.Models.Torch;
using Tulu2.Protocol.Workers;
using Tulu2.Training.Ranks;
using Tulu2.Training.Workers;

namespace Tulu2.Training.Hosting;

/// <summary>The worker's side of the channel: what <c>tulu2 worker --socket PATH</c> does. Knows of no actor.</summary>
public static partial class WorkerProcess
{
    private const int SetParentDeathSignal = 1, SignalKill = 9;
    private const int Orphaned = 3;

    // A node that is told to have one second of patience looks ten times in it.
    private static readonly TimeSpan AliveInterval = TimeSpan.FromMilliseconds(250);

    /// <summary>Computes for one rank until it is told to stop, or its node is gone.</summary>
    /// <param name="socket">Path of the node's socket.</param>
    /// <param name="dataPlaneOf">Opens this end of the run's data plane.</param>
    /// <returns>The exit code.</returns>
    public static int Run(string socket, Func<WorkerStart, ICollectiveFactory> dataPlaneOf)
    {
        // Signals of the terminal are the node's business: it ends its workers in order.
        _ = StartSession();
        _ = ProcessControl(SetParentDeathSignal, SignalKill, 0, 0, 0);
        // Open until the process ends, which is what the node waits for.
        var connection = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        connection.Connect(new UnixDomainSocketEndPoint(socket));
        var channel = new WorkerChannel(new NetworkStream(connection));
        new Thread(() => SayAlive(channel)) { IsBackground = true, Name = "sign of life" }.Start();
        if (channel.Read<WorkerStart>() is not { } start) return Orphaned;
        var mailbox = new Mailbox();
        // Before this thread lowers its priority, which threads inherit: a command that aborts a call is to be heard at once.
        new Thread(() => ReadCommands(channel, mailbox)) { IsBackground = true, Name = "commands" }.Start();
        return Compute(start, mailbox, channel, dataPlaneOf) ? 0 : 1;
    }

    private static bool Compute(WorkerStart start, Mailbox mailbox, WorkerChannel channel, Func<WorkerStart, ICollectiveFactory> dataPlaneOf)
    {
        var sound = true;
        void Report(WorkerReport report)
        {
            sound &= report is not WorkerReport.Failed;
            try
            {
                channel.Write(report);
            }
            catch (Exception end) when (end is IOException or ObjectDisposedException)
            {
                Exit(Orphaned);
            }
        }
        TorchRuntime.EnterRankThread();
        ICollectiveFactory? dataPlane = null;
        try
        {
            dataPlane = dataPlaneOf(start);
            var settings = new WorkerSettings
            {
                Recipe = start.Recipe,
                Schedules = start.Schedules,
                Parameters = new ParameterMap(start.Model, start.VirtualShards),
                Parallel = start.Parallel,
                NodePlace = start.NodePlace,
                Plan = start.Batches,
                DataPlane = dataPlane,
                CheckpointDirectory = start.CheckpointDirectory,
                References = start.Reference is { } reference ? reference.Open : null,
                CollectiveDeadline = start.CollectiveDeadline,
            };
            WorkerLoop.Run(settings, start.Rank, mailbox, Report, EmbeddedWorkerFactory.ComputerOf(settings));
        }
        catch (Exception fault)
        {
            Report(WorkerLoop.FailureOf(-1, start.Rank, fault));
        }
        finally
        {
            (dataPlane as IDisposable)?.Dispose();
        }
        return sound;
    }

    private static void SayAlive(WorkerChannel channel)
    {
        try
        {
            for (; ; Thread.Sleep(AliveInterval)) channel.Write(new WorkerReport.Alive());
        }
        catch (Exception end) when (end is IOException or ObjectDisposedException)
        {
            // The thread that reads commands sees the same end.
        }
    }

    private static void ReadCommands(WorkerChannel channel, Mailbox mailbox)
    {
        try
        {
            while (channel.Read<WorkerCommand>() is { } command) mailbox.Post(command);
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
