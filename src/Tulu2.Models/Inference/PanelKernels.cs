using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Tulu2.Models.Inference;

/// <summary>
/// Products of rows with a panel's weights. An output is one chain of fused multiply-adds over the inputs of a block, in their order, and the sum of its
/// blocks in their order: it depends on the row alone, never on how many rows are computed together.
/// </summary>
/// <remarks>
/// Each kernel takes the inputs from begin to end of its rows, x [inputs][rows], and writes (begin is 0) or adds to y [rows, stride]. Eight rows fill the
/// registers: 16 sums, 4 weights, what is broadcast.
/// </remarks>
internal static unsafe class PanelKernels
{
    /// <summary>Most rows that are computed together.</summary>
    public const int MostRows = 8;

    /// <summary>Inputs of a block: its fp32 panel stays in the first-level cache while tiles of rows use it.</summary>
    public const int Block = 256;

    /// <param name="next">Where to prefetch; each pair of inputs moves it by <paramref name="pace"/> bytes.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Rows8<T>(Panel panel, float* x, nint begin, nint end, float* y, nint stride, byte* next, nint pace) where T : struct, IPanelFormat
    {
        Vector512<float> a0 = Vector512<float>.Zero, b0 = Vector512<float>.Zero, a1 = Vector512<float>.Zero, b1 = Vector512<float>.Zero;
        Vector512<float> a2 = Vector512<float>.Zero, b2 = Vector512<float>.Zero, a3 = Vector512<float>.Zero, b3 = Vector512<float>.Zero;
        Vector512<float> a4 = Vector512<float>.Zero, b4 = Vector512<float>.Zero, a5 = Vector512<float>.Zero, b5 = Vector512<float>.Zero;
        Vector512<float> a6 = Vector512<float>.Zero, b6 = Vector512<float>.Zero, a7 = Vector512<float>.Zero, b7 = Vector512<float>.Zero;
        for (var input = begin; input < end; input += 2)
        {
            T.Pair(panel, input, out var v0, out var w0, out var v1, out var w1);
            Prefetch(next);
            next += pace;
            var source = x + input * 8;
            var x0 = Vector512.Create(source[0]);
            a0 = Vector512.FusedMultiplyAdd(v0, x0, a0);
            b0 = Vector512.FusedMultiplyAdd(w0, x0, b0);
            var x1 = Vector512.Create(source[1]);
            a1 = Vector512.FusedMultiplyAdd(v0, x1, a1);
            b1 = Vector512.FusedMultiplyAdd(w0, x1, b1);
            var x2 = Vector512.Create(source[2]);
            a2 = Vector512.FusedMultiplyAdd(v0, x2, a2);
            b2 = Vector512.FusedMultiplyAdd(w0, x2, b2);
            var x3 = Vector512.Create(source[3]);
            a3 = Vector512.FusedMultiplyAdd(v0, x3, a3);
            b3 = Vector512.FusedMultiplyAdd(w0, x3, b3);
            var x4 = Vector512.Create(source[4]);
            a4 = Vector512.FusedMultiplyAdd(v0, x4, a4);
            b4 = Vector512.FusedMultiplyAdd(w0, x4, b4);
            var x5 = Vector512.Create(source[5]);
            a5 = Vector512.FusedMultiplyAdd(v0, x5, a5);
            b5 = Vector512.FusedMultiplyAdd(w0, x5, b5);
            var x6 = Vector512.Create(source[6]);
            a6 = Vector512.FusedMultiplyAdd(v0, x6, a6);
            b6 = Vector512.FusedMultiplyAdd(w0, x6, b6);
            var x7 = Vector512.Create(source[7]);
            a7 = Vector512.FusedMultiplyAdd(v0, x7, a7);
            b7 = Vector512.FusedMultiplyAdd(w0, x7, b7);
            var x8 = Vector512.Create(source[8]);
            a0 = Vector512.FusedMultiplyAdd(v1, x8, a0);
            b0 = Vector512.FusedMultiplyAdd(w1, x8, b0);
            var x9 = Vector512.Create(source[9]);
            a1 = Vector512.FusedMultiplyAdd(v1, x9, a1);
            b1 = Vector512.FusedMultiplyAdd(w1, x9, b1);
            var x10 = Vector512.Create(source[10]);
            a2 = Vector512.FusedMultiplyAdd(v1, x10, a2);
            b2 = Vector512.FusedMultiplyAdd(w1, x10, b2);
            var x11 = Vector512.Create(source[11]);
            a3 = Vector512.FusedMultiplyAdd(v1, x11, a3);
            b3 = Vector512.FusedMultiplyAdd(w1, x11, b3);
            var x12 = Vector512.Create(source[12]);
            a4 = Vector512.FusedMultiplyAdd(v1, x12, a4);
            b4 = Vector512.FusedMultiplyAdd(w1, x12, b4);
            var x13 = Vector512.Create(source[13]);
            a5 = Vector512.FusedMultiplyAdd(v1, x13, a5);
            b5 = Vector512.FusedMultiplyAdd(w1, x13, b5);
            var x14 = Vector512.Create(source[14]);
            a6 = Vector512.FusedMultiplyAdd(v1, x14, a6);
            b6 = Vector512.FusedMultiplyAdd(w1, x14, b6);
            var x15 = Vector512.Create(source[15]);
            a7 = Vector512.FusedMultiplyAdd(v1, x15, a7);
            b7 = Vector512.FusedMultiplyAdd(w1, x15, b7);
        }
        Put(begin, a0, b0, y);
        Put(begin, a1, b1, y + stride);
        Put(begin, a2, b2, y + 2 * stride);
        Put(begin, a3, b3, y + 3 * stride);
        Put(begin, a4, b4, y + 4 * stride);
        Put(begin, a5, b5, y + 5 * stride);
        Put(begin, a6, b6, y + 6 * stride);
        Put(begin, a7, b7, y + 7 * stride);
    }

    /// <param name="next">Where to prefetch; each pair of inputs moves it by <paramref name="pace"/> bytes.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Rows4<T>(Panel panel, float* x, nint begin, nint end, float* y, nint stride, byte* next, nint pace) where T : struct, IPanelFormat
    {
        Vector512<float> a0 = Vector512<float>.Zero, b0 = Vector512<float>.Zero, a1 = Vector512<float>.Zero, b1 = Vector512<float>.Zero;
        Vector512<float> a2 = Vector512<float>.Zero, b2 = Vector512<float>.Zero, a3 = Vector512<float>.Zero, b3 = Vector512<float>.Zero;
        for (var input = begin; input < end; input += 2)
        {
            T.Pair(panel, input, out var v0, out var w0, out var v1, out var w1);
            Prefetch(next);
            next += pace;
            var source = x + input * 4;
            var x0 = Vector512.Create(source[0]);
            a0 = Vector512.FusedMultiplyAdd(v0, x0, a0);
            b0 = Vector512.FusedMultiplyAdd(w0, x0, b0);
            var x1 = Vector512.Create(source[1]);
            a1 = Vector512.FusedMultiplyAdd(v0, x1, a1);
            b1 = Vector512.FusedMultiplyAdd(w0, x1, b1);
            var x2 = Vector512.Create(source[2]);
            a2 = Vector512.FusedMultiplyAdd(v0, x2, a2);
            b2 = Vector512.FusedMultiplyAdd(w0, x2, b2);
            var x3 = Vector512.Create(source[3]);
            a3 = Vector512.FusedMultiplyAdd(v0, x3, a3);
            b3 = Vector512.FusedMultiplyAdd(w0, x3, b3);
            var x4 = Vector512.Create(source[4]);
            a0 = Vector512.FusedMultiplyAdd(v1, x4, a0);
            b0 = Vector512.FusedMultiplyAdd(w1, x4, b0);
            var x5 = Vector512.Create(source[5]);
            a1 = Vector512.FusedMultiplyAdd(v1, x5, a1);
            b1 = Vector512.FusedMultiplyAdd(w1, x5, b1);
            var x6 = Vector512.Create(source[6]);
            a2 = Vector512.FusedMultiplyAdd(v1, x6, a2);
            b2 = Vector512.FusedMultiplyAdd(w1, x6, b2);
            var x7 = Vector512.Create(source[7]);
            a3 = Vector512.FusedMultiplyAdd(v1, x7, a3);
            b3 = Vector512.FusedMultiplyAdd(w1, x7, b3);
        }
        Put(begin, a0, b0, y);
        Put(begin, a1, b1, y + stride);
        Put(begin, a2, b2, y + 2 * stride);
        Put(begin, a3, b3, y + 3 * stride);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Rows2<T>(Panel panel, float* x, nint begin, nint end, float* y, nint stride) where T : struct, IPanelFormat
    {
        Vector512<float> a0 = Vector512<float>.Zero, b0 = Vector512<float>.Zero, a1 = Vector512<float>.Zero, b1 = Vector512<float>.Zero;
        for (var input = begin; input < end; input += 2)
        {
            T.Pair(panel, input, out var v0, out var w0, out var v1, out var w1);
            var source = x + input * 2;
            var x0 = Vector512.Create(source[0]);
            a0 = Vector512.FusedMultiplyAdd(v0, x0, a0);
            b0 = Vector512.FusedMultiplyAdd(w0, x0, b0);
            var x1 = Vector512.Create(source[1]);
            a1 = Vector512.FusedMultiplyAdd(v0, x1, a1);
            b1 = Vector512.FusedMultiplyAdd(w0, x1, b1);
            var x2 = Vector512.Create(source[2]);
            a0 = Vector512.FusedMultiplyAdd(v1, x2, a0);
            b0 = Vector512.FusedMultiplyAdd(w1, x2, b0);
            var x3 = Vector512.Create(source[3]);
            a1 = Vector512.FusedMultiplyAdd(v1, x3, a1);
            b1 = Vector512.FusedMultiplyAdd(w1, x3, b1);
        }
        Put(begin, a0, b0, y);
        Put(begin, a1, b1, y + stride);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Rows1<T>(Panel panel, float* x, nint begin, nint end, float* y, nint stride) where T : struct, IPanelFormat
    {
        Vector512<float> a0 = Vector512<float>.Zero, b0 = Vector512<float>.Zero;
        for (var input = begin; input < end; input += 2)
        {
            T.Pair(panel, input, out var v0, out var w0, out var v1, out var w1);
            var source = x + input * 1;
            var x0 = Vector512.Create(source[0]);
            a0 = Vector512.FusedMultiplyAdd(v0, x0, a0);
            b0 = Vector512.FusedMultiplyAdd(w0, x0, b0);
            var x1 = Vector512.Create(source[1]);
            a0 = Vector512.FusedMultiplyAdd(v1, x1, a0);
            b0 = Vector512.FusedMultiplyAdd(w1, x1, b0);
        }
        Put(begin, a0, b0, y);
    }

    /// <summary>One row with two panels: more chains in flight hide the latency of each.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void TwoPanels<T>(Panel first, Panel second, float* x, nint begin, nint end, float* y) where T : struct, IPanelFormat
    {
        Vector512<float> a0 = Vector512<float>.Zero, b0 = Vector512<float>.Zero, a1 = Vector512<float>.Zero, b1 = Vector512<float>.Zero;
        for (var input = begin; input < end; input += 2)
        {
            T.Pair(first, input, out var v0, out var w0, out var v1, out var w1);
            Vector512<float> x0 = Vector512.Create(x[input]), x1 = Vector512.Create(x[input + 1]);
            a0 = Vector512.FusedMultiplyAdd(v0, x0, a0);
            b0 = Vector512.FusedMultiplyAdd(w0, x0, b0);
            T.Pair(second, input, out var v2, out var w2, out var v3, out var w3);
            a1 = Vector512.FusedMultiplyAdd(v2, x0, a1);
            b1 = Vector512.FusedMultiplyAdd(w2, x0, b1);
            a0 = Vector512.FusedMultiplyAdd(v1, x1, a0);
            b0 = Vector512.FusedMultiplyAdd(w1, x1, b0);
            a1 = Vector512.FusedMultiplyAdd(v3, x1, a1);
            b1 = Vector512.FusedMultiplyAdd(w3, x1, b1);
        }
        Put(begin, a0, b0, y);
        Put(begin, a1, b1, y + Panel.Width);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put(nint begin, Vector512<float> a, Vector512<float> b, float* y)
    {
        if (begin != 0)
        {
            a = Vector512.Load(y) + a;
            b = Vector512.Load(y + 16) + b;
        }
        a.Store(y);
        b.Store(y + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch(byte* address)
    {
        if (!Sse.IsSupported) return;
        Sse.Prefetch1(address);
        Sse.Prefetch1(address + 64);
    }
}
