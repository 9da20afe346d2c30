using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Tulu2.Models.Inference;

/// <summary>What the machine can do at best, which bounds a pass: reading memory, and multiplying.</summary>
public static unsafe class MachineCeilings
{
    private const int Chunk = 1 << 20;

    /// <summary>Bytes per second at which threads read a buffer of this size once: the weights of one pass. The best of some rounds.</summary>
    public static double ReadRate(long bytes, int threads, int rounds = 3)
    {
        bytes = Math.Max(bytes, Chunk) / Chunk * Chunk;
        using var buffer = new NativeBuffer(bytes);
        new Span<byte>(buffer.Address, (int)Math.Min(bytes, Chunk)).Fill(1);
        // Memory that nobody wrote is one page of zeros.
        for (var at = 0L; at < bytes; at += 4096) buffer.Address[at] = 1;
        using var pool = new ComputePool(threads);
        var best = 0.0;
        var sums = new float[threads];
        var address = buffer.Address;
        for (var round = 0; round < rounds; round++)
        {
            var start = Stopwatch.GetTimestamp();
            pool.Run((int)(bytes / Chunk), (item, thread) => sums[thread] += Sum((float*)(address + (long)item * Chunk), Chunk / sizeof(float)));
            best = Math.Max(best, bytes / Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        return best;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Sum(float* values, int count)
    {
        Vector512<float> a = Vector512<float>.Zero, b = Vector512<float>.Zero, c = Vector512<float>.Zero, d = Vector512<float>.Zero;
        for (var at = 0; at < count; at += 64)
        {
            a += Vector512.Load(values + at);
            b += Vector512.Load(values + at + 16);
            c += Vector512.Load(values + at + 32);
            d += Vector512.Load(values + at + 48);
        }
        return Vector512.Sum(a + b + c + d);
    }
}
