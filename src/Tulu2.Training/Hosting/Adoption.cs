using System.Diagnostics;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Tulu2.Protocol.Ids;

namespace Tulu2.Training.Hosting;

/// <summary>A worker's introduction to a process that may adopt it.</summary>
/// <param name="Start">Hash of all that it was started with, which does not depend on the rank.</param>
public sealed record WorkerIntroduction(Rank Rank, int IndexOnNode, string Start);

/// <summary>A worker's side of its adoption: it waits, with its state, until the successor of its node's process connects.</summary>
internal sealed partial class Adoption
{
    private const int StandardOutput = 1, StandardError = 2, WriteCreateAppend = 0x441, OwnerOnly = 0x180;

    // The owner starts a successor at once; one that takes longer than this to come will hardly have the run's files.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan CheckInterval = TimeSpan.FromMilliseconds(100);

    private readonly AdoptionFolder _folder;

    private Adoption(AdoptionFolder folder) => _folder = folder;

    /// <summary>Null: the folder cannot be used, so that the process ends with its node's.</summary>
    public static Adoption? TryCreate(AdoptionFolder folder)
    {
        var adoption = new Adoption(folder);
        try
        {
            adoption.Mark();
            return adoption;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine($"this worker ends with its node's process: {folder.Path}: {fault.Message}");
            return null;
        }
    }

    /// <summary>Waits for the connection of a successor; null: there will be none, or none could find this process.</summary>
    public Socket? Await()
    {
        try
        {
            if (Listen() is { } connection) return connection;
        }
        catch (Exception fault) when (fault is IOException or SocketException or UnauthorizedAccessException or ArgumentException)
        {
            // The folder went with its owner.
        }
        if (!_folder.HasOwner) _folder.Delete();
        return null;
    }

    // The start of a process tells it from a later one of the same number.
    private void Mark()
    {
        _folder.MakeSure();
        File.WriteAllText(_folder.MarkOf(Environment.ProcessId), WorkerHandle.StartOf(Environment.ProcessId));
    }

    private Socket? Listen()
    {
        if (!_folder.HasOwner) return null;
        Mark();
        KeepOutput();
        var path = _folder.SocketOf(Environment.ProcessId);
        File.Delete(path);
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen(1);
        for (var began = Stopwatch.GetTimestamp(); !listener.Poll(CheckInterval, SelectMode.SelectRead);)
            if (!_folder.HasOwner || Stopwatch.GetElapsedTime(began) > Patience) return null;
        File.Delete(path);
        return listener.Accept();
    }

    // The pipes to the process that is gone take no more.
    private void KeepOutput()
    {
        var file = OpenFile(_folder.OutputOf(Environment.ProcessId), WriteCreateAppend, OwnerOnly);
        if (file < 0) return;
        _ = Duplicate(file, StandardOutput);
        _ = Duplicate(file, StandardError);
        _ = CloseFile(file);
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenFile(string path, int flags, int mode);

    [LibraryImport("libc", EntryPoint = "dup2")]
    private static partial int Duplicate(int from, int to);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int CloseFile(int file);
}
