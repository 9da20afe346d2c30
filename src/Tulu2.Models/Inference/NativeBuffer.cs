using System.Runtime.InteropServices;

namespace Tulu2.Models.Inference;

/// <summary>Zeroed memory outside of the garbage collector's, aligned to huge pages, which it asks for: a pass reads all weights, and small pages' addresses would not fit into the processor's table.</summary>
internal sealed unsafe partial class NativeBuffer : IDisposable
{
    private const nuint HugePage = 2 << 20;
    private const int Huge = 14;

    private byte* _address;

    public NativeBuffer(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bytes);
        Bytes = bytes;
        // A large allocation is mapped by the system, so that pages which nobody touches take no memory.
        var alignment = bytes >= (long)HugePage ? HugePage : 64;
        var size = ((nuint)bytes + alignment - 1) / alignment * alignment;
        _address = (byte*)NativeMemory.AlignedAlloc(size, alignment);
        if (alignment == HugePage && OperatingSystem.IsLinux()) _ = Advise(_address, size, Huge);
        if (alignment != HugePage) NativeMemory.Clear(_address, size);
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
        NativeMemory.AlignedFree(_address);
        _address = null;
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(void* address, nuint length, int advice);
}
