using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;

namespace Tulu2.Collectives.Links;

/// <summary>
/// Memory that both ends of a connection map. It has no name in a file system: the end that opens it finds it among the open files of the end that created it,
/// so nothing is left behind whenever a process is killed.
/// </summary>
internal sealed partial class SharedSegment : IDisposable
{
    private const uint CloseOnExecute = 1;

    // Open only until the other end has had its chance to open it; null at that other end.
    private readonly FileStream? _file;
    private SharedMapping? _mapping;

    private SharedSegment(string path, FileStream? file, SharedMapping mapping) => (Path, _file, _mapping) = (path, file, mapping);

    public string Path { get; }

    /// <summary>
    /// Random bytes stored in the memory. They prove that both ends mapped the same memory, not that of a process with the same id in another container.
    /// </summary>
    public byte[] Token => _mapping!.Token.ToArray();

    /// <summary>Null if this machine has no shared memory, or not enough of it.</summary>
    public static SharedSegment? TryCreate()
    {
        if (!OperatingSystem.IsLinux()) return null;
        var handle = CreateMemory("tulu2", CloseOnExecute);
        if (handle < 0) return null;
        FileStream? file = null;
        try
        {
            file = new FileStream(new SafeFileHandle(handle, ownsHandle: true), FileAccess.ReadWrite, bufferSize: 0);
            // Allocate all pages now: a page that turned out to be missing later would kill the process.
            if (Allocate(handle, 0, SharedRing.SegmentBytes) != 0) throw new IOException("not enough shared memory");
            var mapping = new SharedMapping(file);
            RandomNumberGenerator.Fill(mapping.Token);
            return new SharedSegment($"/proc/{Environment.ProcessId}/fd/{handle}", file, mapping);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            file?.Dispose();
            return null;
        }
    }

    /// <summary>Null if the memory cannot be reached from here, or has another token.</summary>
    public static SharedSegment? TryOpen(string path, ReadOnlySpan<byte> token)
    {
        if (path.Split('/') is not ["", "proc", var process, "fd", var handle] || !IsNumber(process) || !IsNumber(handle)) return null;
        SharedMapping? mapping = null;
        try
        {
            // Nothing but such memory is opened: opening a pipe, say, could block.
            if (new FileInfo(path).LinkTarget?.StartsWith("/memfd:tulu2", StringComparison.Ordinal) != true) return null;
            using (var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0))
            {
                if (file.Length != SharedRing.SegmentBytes) return null;
                mapping = new SharedMapping(file);
            }
            if (CryptographicOperations.FixedTimeEquals(mapping.Token, token)) return new SharedSegment(path, null, mapping);
            mapping.Dispose();
            return null;
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            mapping?.Dispose();
            return null;
        }

        static bool IsNumber(string text) => text.Length > 0 && !text.AsSpan().ContainsAnyExceptInRange('0', '9');
    }

    /// <summary>Transfers the memory to a link.</summary>
    public SharedMapping Take()
    {
        var taken = _mapping!;
        _mapping = null;
        return taken;
    }

    public void Dispose()
    {
        _file?.Dispose();
        _mapping?.Dispose();
    }

    [LibraryImport("libc", EntryPoint = "memfd_create", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int CreateMemory(string name, uint flags);

    [LibraryImport("libc", EntryPoint = "posix_fallocate")]
    private static partial int Allocate(int handle, long offset, long bytes);
}
