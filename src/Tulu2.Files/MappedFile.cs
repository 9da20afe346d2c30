using System.Buffers;
using System.IO.MemoryMappedFiles;

namespace Tulu2.Files;

/// <summary>A file's bytes, mapped into memory for reading: the system loads its pages when they are touched and may drop them again.</summary>
public sealed unsafe class MappedFile : MemoryManager<byte>
{
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;
    private byte* _start;

    /// <param name="path">A file that is not empty.</param>
    /// <exception cref="IOException">There is no such file, or it cannot be mapped.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    public MappedFile(string path)
    {
        Length = FileLength.Of(path);
        _file = MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, 0, MemoryMappedFileAccess.Read);
        _view = _file.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        byte* pointer = null;
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref pointer);
        _start = pointer + _view.PointerOffset;
    }

    /// <summary>As the constructor, for a file that the user gave.</summary>
    /// <exception cref="BadInputException">It cannot be mapped.</exception>
    public static MappedFile OpenInput(string path)
    {
        try
        {
            return new MappedFile(path);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new BadInputException(path, "cannot be mapped into memory", "make the file readable, or copy it to a local disk", fault);
        }
    }

    /// <summary>Bytes of the file.</summary>
    public long Length { get; }

    /// <summary>Address of the first byte; valid until this is disposed.</summary>
    public byte* Start => _start;

    /// <exception cref="OverflowException">The file has 2 GiB or more: use <see cref="Start"/>.</exception>
    public override Span<byte> GetSpan()
    {
        ObjectDisposedException.ThrowIf(_start is null, this);
        return new Span<byte>(_start, checked((int)Length));
    }

    public override MemoryHandle Pin(int elementIndex = 0) => new(_start + elementIndex);

    public override void Unpin()
    {
    }

    public void Dispose() => Dispose(disposing: true);

    protected override void Dispose(bool disposing)
    {
        if (_start is null) return;
        _start = null;
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _file.Dispose();
    }
}
