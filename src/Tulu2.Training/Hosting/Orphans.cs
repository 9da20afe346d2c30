using System.Diagnostics;
using System.Net.Sockets;

namespace Tulu2.Training.Hosting;

/// <summary>A worker that has lost its node's process, and is connected to this one.</summary>
internal sealed record Orphan(WorkerHandle Process, WorkerChannel Channel, WorkerIntroduction Introduction);

/// <summary>Finds the workers that an earlier process of this node has left.</summary>
internal static class Orphans
{
    // They hear at once that their node's process is gone; one that is stopped does not.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(2);

    /// <summary>Connects to all of them. One that does not answer is killed: it may still hold memory that its successor needs.</summary>
    public static IReadOnlyList<Orphan> Find(AdoptionFolder folder)
    {
        var found = new List<Orphan>();
        foreach (var process in folder.Marked().Order())
        {
            if (WorkerHandle.HasEnded(process) || WorkerHandle.StartOf(process) != File.ReadAllText(folder.MarkOf(process))) folder.Forget(process);
            else if (Connect(folder, process) is { } orphan) found.Add(orphan);
            else
            {
                new WorkerHandle.Adopted(process, folder).Kill();
                folder.Forget(process);
            }
        }
        return found;
    }

    private static Orphan? Connect(AdoptionFolder folder, int process)
    {
        var path = folder.SocketOf(process);
        for (var began = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(began) < Patience; Thread.Sleep(PollInterval))
        {
            if (!File.Exists(path)) continue;
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                socket.Connect(new UnixDomainSocketEndPoint(path));
                socket.ReceiveTimeout = (int)Patience.TotalMilliseconds;
                var channel = new WorkerChannel(new NetworkStream(socket, ownsSocket: true), WorkerStartCodec.ChannelCodecs);
                if (channel.Read<WorkerIntroduction>() is { } introduction)
                {
                    socket.ReceiveTimeout = 0;
                    return new Orphan(new WorkerHandle.Adopted(process, folder), channel, introduction);
                }
                socket.Dispose();
            }
            catch (Exception fault) when (fault is SocketException or IOException or WorkerChannelException)
            {
                // It is not listening yet, or not any more.
                socket.Dispose();
            }
        }
        return null;
    }
}
