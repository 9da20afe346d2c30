using Tulu2.Files;

namespace Tulu2.Training.Hosting;

/// <summary>
/// The directory through which workers that have lost their node's process are found by its successor. Each has a file there that is named after its process, and, once
/// it waits for a successor, a socket.
/// </summary>
/// <param name="Path">The directory, of mode 0700.</param>
/// <param name="Owner">The process that starts the successor. Without it there will be none, and the workers exit.</param>
public sealed record AdoptionFolder(string Path, int Owner)
{
    private const string Option = "--adoption", OwnerOption = "--owner";
    private const string SocketExtension = ".socket", OutputExtension = ".out";

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>The owner has not ended.</summary>
    public bool HasOwner => !WorkerHandle.HasEnded(Owner);

    /// <summary>A new one, of this process.</summary>
    /// <exception cref="BadInputException">The directory for temporary files is too deep.</exception>
    public static AdoptionFolder Create()
    {
        var folder = new AdoptionFolder(Directory.CreateTempSubdirectory("tulu2-").FullName, Environment.ProcessId);
        if (folder.SocketOf(int.MaxValue).Length <= WorkerChannel.MaxSocketPath) return folder;
        Directory.Delete(folder.Path);
        throw new BadInputException(System.IO.Path.GetTempPath(), "is too long for the sockets of worker processes", "set TMPDIR to a shorter directory");
    }

    /// <summary>Keeps its files from whoever deletes what is old in directories for temporary files. To be called more often than once a day.</summary>
    public void Touch()
    {
        try
        {
            MakeSure();
            var now = DateTime.UtcNow;
            foreach (var file in Directory.EnumerateFiles(Path)) File.SetLastWriteTimeUtc(file, now);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            // A worker that is lost with it costs what it did before there was such a folder.
        }
    }

    /// <summary>Deletes it with all that is left in it.</summary>
    public void Delete()
    {
        try
        {
            if (Directory.Exists(Path)) Directory.Delete(Path, recursive: true);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            // A worker that is just ending wrote into it.
        }
    }

    /// <summary>Makes it again, should it be gone.</summary>
    internal void MakeSure()
    {
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(Path);
        else Directory.CreateDirectory(Path, OwnerOnly);
    }

    /// <summary>For the command line of a process.</summary>
    public IReadOnlyList<string> Arguments => [Option, Path, OwnerOption, $"{Owner}"];

    /// <summary>Reads what <see cref="Arguments"/> gave; null: nothing.</summary>
    public static AdoptionFolder? Read(ReadOnlySpan<string> arguments) =>
        arguments is [Option, var path, OwnerOption, var owner] && int.TryParse(owner, out var process) ? new AdoptionFolder(path, process) : null;

    internal string MarkOf(int process) => System.IO.Path.Combine(Path, $"{process}");

    internal string SocketOf(int process) => MarkOf(process) + SocketExtension;

    /// <summary>What a worker prints that has lost its node's process.</summary>
    internal string OutputOf(int process) => MarkOf(process) + OutputExtension;

    /// <summary>Processes that have a mark.</summary>
    internal IEnumerable<int> Marked() => Directory.Exists(Path)
        ? Directory.EnumerateFiles(Path).Select(System.IO.Path.GetFileName).Where(name => int.TryParse(name, out _)).Select(name => int.Parse(name!, System.Globalization.CultureInfo.InvariantCulture))
        : [];

    internal void Forget(int process)
    {
        foreach (var file in new[] { MarkOf(process), SocketOf(process), OutputOf(process) }) File.Delete(file);
    }
}

/// <summary>The folder of a process that finds its own workers again: without it they exit.</summary>
public sealed class OwnAdoptionFolder : IDisposable
{
    private static readonly TimeSpan TouchInterval = TimeSpan.FromHours(1);

    private readonly Timer _touch;

    private OwnAdoptionFolder(AdoptionFolder folder)
    {
        Folder = folder;
        _touch = new Timer(_ => folder.Touch(), null, TouchInterval, TouchInterval);
    }

    public AdoptionFolder Folder { get; }

    /// <inheritdoc cref="AdoptionFolder.Create"/>
    public static OwnAdoptionFolder Create() => new(AdoptionFolder.Create());

    public void Dispose()
    {
        _touch.Dispose();
        Folder.Delete();
    }
}
