using System.IO.MemoryMappedFiles;
using System.Security.Cryptography;

namespace Tulu2.Collectives.SharedMemory;

/// <summary>
/// A file in /dev/shm that both ends of a connection map, and its name for as long as it has one: the end that opens it removes the name at once, and the end that
/// made it does so when it has the answer. So nothing is left behind by a process that is killed later.
/// </summary>
internal sealed class SharedSegment : IDisposable
{
    private const string Folder = "/dev/shm";
    private const string Prefix = Folder + "/tulu2-";

    private SharedMapping? _mapping;

    private SharedSegment(string path, SharedMapping mapping) => (Path, _mapping) = (path, mapping);

    public string Path { get; }

    /// <summary>What stands in the file: who has it has the same file, not one of the same name in another mount.</summary>
    public byte[] Token => _mapping!.Token.ToArray();

    /// <summary>Null: there is no shared memory here, or not enough of it.</summary>
    public static SharedSegment? TryCreate()
    {
        if (!OperatingSystem.IsLinux() || !Directory.Exists(Folder)) return null;
        var path = Prefix + RandomNumberGenerator.GetHexString(32, lowercase: true);
        try
        {
            // All of it is taken now: a page that turned out to be missing later would kill the process.
            using var file = new FileStream(path, new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.ReadWrite,
                Share = FileShare.ReadWrite | FileShare.Delete,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
                PreallocationSize = SharedRing.SegmentBytes,
                BufferSize = 0,
            });
            file.SetLength(SharedRing.SegmentBytes);
            var mapping = new SharedMapping(file);
            RandomNumberGenerator.Fill(mapping.Token);
            return new SharedSegment(path, mapping);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            Remove(path);
            return null;
        }
    }

    /// <summary>Null: the file cannot be reached from here, or is another one.</summary>
    public static SharedSegment? TryOpen(string path, ReadOnlySpan<byte> token)
    {
        if (!path.StartsWith(Prefix, StringComparison.Ordinal) || path.AsSpan(Prefix.Length).ContainsAnyExcept("0123456789abcdef")) return null;
        SharedMapping? mapping = null;
        try
        {
            if (new FileInfo(path).LinkTarget is not null) return null;
            using (var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0))
            {
                if (file.Length != SharedRing.SegmentBytes) return null;
                mapping = new SharedMapping(file);
            }
            if (!CryptographicOperations.FixedTimeEquals(mapping.Token, token))
            {
                mapping.Dispose();
                return null;
            }
            Remove(path);
            return new SharedSegment(path, mapping);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            mapping?.Dispose();
            return null;
        }
    }

    /// <summary>Hands the memory over to a link; the name is still removed here.</summary>
    public SharedMapping Take()
    {
        var taken = _mapping!;
        _mapping = null;
        return taken;
    }

    public void Dispose()
    {
        Remove(Path);
        _mapping?.Dispose();
    }

    private static void Remove(string path)
    {
        try { File.Delete(path); }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException) { }
    }
}

/// <summary>The memory of a segment, mapped.</summary>
internal sealed unsafe class SharedMapping : IDisposable
{
    private const int TokenBytes = 16;

    private readonly MemoryMappedViewAccessor _view;
    private byte* _address;

    public SharedMapping(FileStream file)
    {
        using var mapped = MemoryMappedFile.CreateFromFile(file, null, SharedRing.SegmentBytes, MemoryMappedFileAccess.ReadWrite, HandleInheritability.None, leaveOpen: true);
        _view = mapped.CreateViewAccessor(0, SharedRing.SegmentBytes);
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _address);
    }

    public byte* Address => _address;

    public Span<byte> Token => new(_address, TokenBytes);

    public void Dispose()
    {
        if (_address == null) return;
        _address = null;
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
    }
}
