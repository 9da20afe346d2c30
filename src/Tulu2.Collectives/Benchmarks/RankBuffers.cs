using System.Runtime.InteropServices;

namespace Tulu2.Collectives.Benchmarks;

/// <summary>A source and a result buffer per rank, in native memory.</summary>
internal sealed unsafe class RankBuffers : IDisposable
{
    private readonly long _bytes;

    /// <param name="bytes">Bytes of each buffer.</param>
    public RankBuffers(int ranks, long bytes)
    {
        _bytes = bytes;
        Sources = [.. Enumerable.Range(0, ranks).Select(rank => Allocate(rank + 1))];
        Results = [.. Enumerable.Range(0, ranks).Select(_ => Allocate(0))];
    }

    public nint[] Sources { get; }
    public nint[] Results { get; }

    /// <summary>Copies a total of <paramref name="total"/> bytes from a rank's source to its result, from the beginning again where the buffer ends.</summary>
    public void Copy(int rank, long total)
    {
        for (var at = 0L; at < total; at += _bytes)
        {
            var count = Math.Min(_bytes, total - at);
            Buffer.MemoryCopy((void*)Sources[rank], (void*)Results[rank], count, count);
        }
    }

    public void Dispose()
    {
        foreach (var address in Sources.Concat(Results)) NativeMemory.AlignedFree((void*)address);
    }

    private nint Allocate(float value)
    {
        var address = NativeMemory.AlignedAlloc((nuint)_bytes, 4096);
        new Span<float>(address, (int)(_bytes / sizeof(float))).Fill(value);
        return (nint)address;
    }
}
