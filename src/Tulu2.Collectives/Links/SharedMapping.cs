using System.IO.MemoryMappedFiles;

namespace Tulu2.Collectives.Links;

/// <summary>The mapped memory of a shared segment.</summary>
internal sealed unsafe class SharedMapping : IDisposable
{
    private const int TokenBytes = 16;

    private readonly MemoryMappedViewAccessor _view;
    private byte* _address;

    public SharedMapping(FileStream file)
    {
        using var mapped = MemoryMappedFile.CreateFromFile(
            file, null, SharedRing.SegmentBytes, MemoryMappedFileAccess.ReadWrite, HandleInheritability.None, leaveOpen: true);
        _view = mapped.CreateViewAccessor(0, SharedRing.SegmentBytes);
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _address);
    }

    public byte* Address => _address;

    /// <summary>Random bytes at the start of the segment that identify it.</summary>
    public Span<byte> Token => new(_address, TokenBytes);

    public void Dispose()
    {
        if (_address == null) return;
        _address = null;
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
    }
}
