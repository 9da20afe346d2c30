using System.IO.MemoryMappedFiles;
using Tulu2.Files;

namespace Tulu2.Checkpoints;

/// <summary>A file's bytes, mapped into memory to be read: the system loads its pages when they are touched.</summary>
internal sealed unsafe class MappedBytes : IDisposable
{
    private readonly MemoryMappedFile _map;
    private readonly MemoryMappedViewAccessor _view;
    private readonly byte* _start;

    /// <param name="path">Of a file that is not empty.</param>
    /// <exception cref="BadInputException">It cannot be mapped.</exception>
    public MappedBytes(string path)
    {
        try
        {
            _map = MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, 0, MemoryMappedFileAccess.Read);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new BadInputException(path, "cannot be mapped into memory", "make the file readable, or copy it to a local disk", fault);
        }
        _view = _map.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _start);
    }

    /// <summary>Address of the first byte; valid until this is disposed.</summary>
    public byte* Start => _start;

    public void Dispose()
    {
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _map.Dispose();
    }
}
