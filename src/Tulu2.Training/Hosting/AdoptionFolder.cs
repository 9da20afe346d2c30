using System.Runtime.InteropServices;

namespace Tulu2.Training.Hosting;

/// <summary>
/// The directory through which workers that have lost their node's process are found by its successor. Each has a file there that is named after its process, and, once
/// it waits for a successor, a socket.
/// </summary>
/// <param name="Path">The directory, of mode 0700.</param>
/// <param name="Owner">The process that starts the successor. Without it there will be none, and the workers exit.</param>
public sealed partial record AdoptionFolder(string Path, int Owner)
{
    private const string Option = "--adoption", OwnerOption = "--owner";
    private const string SocketExtension = ".socket", OutputExtension = ".out";
    private const int NoSuchProcess = 3;

    /// <summary>The owner has not ended.</summary>
    public bool HasOwner => Signal(Owner, 0) == 0 || Marshal.GetLastPInvokeError() != NoSuchProcess;

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

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Signal(int process, int signal);
}

/// <summary>The folder of a process that finds its own workers again: without it they exit.</summary>
public sealed class OwnAdoptionFolder : IDisposable
{
    private OwnAdoptionFolder(string path) => Folder = new AdoptionFolder(path, Environment.ProcessId);

    public AdoptionFolder Folder { get; }

    public static OwnAdoptionFolder Create() => new(Directory.CreateTempSubdirectory("tulu2-").FullName);

    public void Dispose() => Directory.Delete(Folder.Path, recursive: true);
}
