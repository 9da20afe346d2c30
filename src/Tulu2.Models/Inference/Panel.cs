using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Tulu2.Models.Quantization;

namespace Tulu2.Models.Inference;

/// <summary>
/// The weights of <see cref="Width"/> outputs of a matrix, input by input: what a kernel reads from front to back. Two inputs are taken at a time, so that
/// two bf16 weights share a 32-bit lane.
/// </summary>
/// <param name="weights">Address of the first input's weights, or of the 4-bit codes.</param>
/// <param name="scales">In NF4: <see cref="Width"/> fp32 scales for each block of inputs.</param>
internal readonly unsafe struct Panel(byte* weights, float* scales)
{
    /// <summary>Outputs of a panel: two vectors of 16.</summary>
    public const int Width = 32;

    public readonly byte* Weights = weights;
    public readonly float* Scales = scales;
}

/// <summary>How a panel holds its weights.</summary>
internal unsafe interface IPanelFormat
{
    /// <summary>The fp32 weights of inputs <paramref name="input"/> and <paramref name="input"/> + 1; the outputs' halves are a and b.</summary>
    /// <param name="input">Even.</param>
    static abstract void Pair(Panel panel, nint input, out Vector512<float> a0, out Vector512<float> b0, out Vector512<float> a1, out Vector512<float> b1);

    /// <summary>Bytes of an even number of inputs, without scales.</summary>
    static abstract long Bytes(long inputs);
}

/// <summary>fp32: [inputs][32].</summary>
internal readonly unsafe struct SinglePanel : IPanelFormat
{
    public static long Bytes(long inputs) => inputs * Panel.Width * sizeof(float);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Pair(Panel panel, nint input, out Vector512<float> a0, out Vector512<float> b0, out Vector512<float> a1, out Vector512<float> b1)
    {
        var source = (float*)panel.Weights + input * Panel.Width;
        a0 = Vector512.Load(source);
        b0 = Vector512.Load(source + 16);
        a1 = Vector512.Load(source + 32);
        b1 = Vector512.Load(source + 48);
    }
}

/// <summary>bf16: [inputs / 2][32][2], the first input in the low half of a 32-bit lane.</summary>
internal readonly unsafe struct BrainPanel : IPanelFormat
{
    public static long Bytes(long inputs) => inputs * Panel.Width * sizeof(ushort);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Pair(Panel panel, nint input, out Vector512<float> a0, out Vector512<float> b0, out Vector512<float> a1, out Vector512<float> b1)
    {
        var source = (uint*)panel.Weights + input / 2 * Panel.Width;
        Vector512<uint> a = Vector512.Load(source), b = Vector512.Load(source + 16), high = Vector512.Create(0xFFFF0000u);
        a0 = (a << 16).AsSingle();
        b0 = (b << 16).AsSingle();
        a1 = (a & high).AsSingle();
        b1 = (b & high).AsSingle();
    }
}

/// <summary>fp16, laid out as bf16 is. Exact for all finite values.</summary>
internal readonly unsafe struct HalfPanel : IPanelFormat
{
    public static long Bytes(long inputs) => inputs * Panel.Width * sizeof(ushort);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Pair(Panel panel, nint input, out Vector512<float> a0, out Vector512<float> b0, out Vector512<float> a1, out Vector512<float> b1)
    {
        var source = (int*)panel.Weights + input / 2 * Panel.Width;
        Vector512<int> a = Vector512.Load(source), b = Vector512.Load(source + 16);
        a0 = Widen(a << 16);
        b0 = Widen(b << 16);
        a1 = Widen(a);
        b1 = Widen(b);
    }

    // Sign, exponent and mantissa are moved to their places in fp32; the product mends the exponent's bias, which differs by 112.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Widen(Vector512<int> high) =>
        ((high >> 3) & Vector512.Create(unchecked((int)0x8FFFE000))).AsSingle() * Vector512.Create(5192296858534827628530496329220096f);
}

/// <summary>
/// NF4: [inputs / 8][32] lanes of eight codes, the first input in the lowest bits; level * scale is rounded to fp32, as it is where a matrix is restored.
/// </summary>
internal readonly unsafe struct Nf4Panel : IPanelFormat
{
    /// <summary>Inputs of a lane.</summary>
    public const int Codes = 8;

    private static readonly Vector512<float> Levels = Vector512.LoadUnsafe(ref MemoryMarshal.GetReference(Nf4.Levels));

    public static long Bytes(long inputs) => inputs * Panel.Width / 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Pair(Panel panel, nint input, out Vector512<float> a0, out Vector512<float> b0, out Vector512<float> a1, out Vector512<float> b1)
    {
        var source = (uint*)panel.Weights + input / Codes * Panel.Width;
        var scales = panel.Scales + input / Nf4.Block * Panel.Width;
        var shift = (int)(input % Codes) * 4;
        Vector512<uint> a = Vector512.Load(source) >> shift, b = Vector512.Load(source + 16) >> shift;
        Vector512<float> first = Vector512.Load(scales), second = Vector512.Load(scales + 16);
        a0 = Look(a) * first;
        b0 = Look(b) * second;
        a1 = Look(a >> 4) * first;
        b1 = Look(b >> 4) * second;
    }

    // The instruction reads the lowest four bits of an index only.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Look(Vector512<uint> codes) => Avx512F.IsSupported
        ? Avx512F.PermuteVar16x32(Levels, codes.AsInt32())
        : Vector512.Shuffle(Levels, (codes & Vector512.Create(15u)).AsInt32());
}
