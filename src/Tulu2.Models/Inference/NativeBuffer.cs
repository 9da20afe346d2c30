using System.Runtime.InteropServices;

namespace Tulu2.Models.Inference;

/// <summary>
/// Zeroed memory outside of the garbage collector's. Large ones ask for huge pages, since a pass reads all weights and the addresses of small pages would
/// not fit into the processor's table, and take no memory until they are touched.
/// </summary>
internal sealed unsafe partial class NativeBuffer : IDisposable
{
    private const nuint HugePage = 2 << 20;

    // Of Linux: PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, MADV_HUGEPAGE.
    private const int ReadWrite = 3, PrivateAnonymous = 0x4022, Huge = 14;

    private byte* _address;
    private void* _mapped;
    private readonly nuint _mappedBytes;

    public NativeBuffer(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bytes);
        Bytes = bytes;
        if ((nuint)bytes >= HugePage && OperatingSystem.IsLinux())
        {
            _mappedBytes = ((nuint)bytes + HugePage - 1) / HugePage * HugePage + HugePage;
            var mapped = Map(null, _mappedBytes, ReadWrite, PrivateAnonymous, -1, 0);
            if ((nint)mapped == -1) throw new InsufficientMemoryException($"{bytes} bytes cannot be reserved");
            _mapped = mapped;
            _address = (byte*)(((nuint)mapped + HugePage - 1) / HugePage * HugePage);
            _ = Advise(_address, _mappedBytes - HugePage, Huge);
            return;
        }
        _address = (byte*)NativeMemory.AlignedAlloc((nuint)bytes, 64);
        NativeMemory.Clear(_address, (nuint)bytes);
    }

    public long Bytes { get; }

    public byte* Address => _address;

    public float* Singles => (float*)_address;

    ~NativeBuffer() => Free();

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        if (_mapped is not null) _ = Unmap(_mapped, _mappedBytes);
        else NativeMemory.AlignedFree(_address);
        _mapped = null;
        _address = null;
    }

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial void* Map(void* address, nuint length, int protection, int flags, int file, long offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(void* address, nuint length);

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(void* address, nuint length, int advice);
}
