using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Tulu2.Models.Kernels;

/// <summary>
/// An element type of tensors as the element-wise kernels read and write it: sixteen values at a time, computed with in fp32. Rows whose length is no
/// multiple of sixteen run their last values through the same vector code, so that a value never depends on where a tensor is cut.
/// </summary>
internal unsafe interface IElement<T> where T : unmanaged, IElement<T>
{
    static abstract Vector512<float> Load(T* source);
    static abstract void Store(T* target, Vector512<float> values);
    static abstract Vector256<float> LoadHalf(T* source);
    static abstract void StoreHalf(T* target, Vector256<float> values);
    static abstract float Get(T* source);
    static abstract void Set(T* target, float value);

    /// <summary>The value as it is after being stored and read again.</summary>
    static abstract Vector512<float> Round(Vector512<float> values);
}

internal readonly unsafe struct Single32 : IElement<Single32>
{
#pragma warning disable CS0169, IDE0051 // the field gives the type its size
    private readonly float _value;
#pragma warning restore CS0169, IDE0051

    public static Vector512<float> Load(Single32* source) => Vector512.Load((float*)source);
    public static void Store(Single32* target, Vector512<float> values) => values.Store((float*)target);
    public static Vector256<float> LoadHalf(Single32* source) => Vector256.Load((float*)source);
    public static void StoreHalf(Single32* target, Vector256<float> values) => values.Store((float*)target);
    public static float Get(Single32* source) => *(float*)source;
    public static void Set(Single32* target, float value) => *(float*)target = value;
    public static Vector512<float> Round(Vector512<float> values) => values;
}

internal readonly unsafe struct BrainFloat16 : IElement<BrainFloat16>
{
#pragma warning disable CS0169, IDE0051 // the field gives the type its size
    private readonly ushort _value;
#pragma warning restore CS0169, IDE0051

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(BrainFloat16* source) => (Widen(Vector256.Load((ushort*)source)) << 16).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(BrainFloat16* target, Vector512<float> values)
    {
        var bits = Rounded(values) >>> 16;
        // One instruction where there is one; the same bits.
        var narrow = Avx512F.IsSupported ? Avx512F.ConvertToVector256UInt16(bits) : Vector256.Narrow(bits.GetLower(), bits.GetUpper());
        narrow.Store((ushort*)target);
    }

    public static Vector256<float> LoadHalf(BrainFloat16* source)
    {
        var (low, high) = Vector128.Widen(Vector128.Load((ushort*)source));
        return (Vector256.Create(low, high) << 16).AsSingle();
    }

    public static void StoreHalf(BrainFloat16* target, Vector256<float> values)
    {
        var bits = Rounded(Vector512.Create(values, values)).GetLower() >>> 16;
        Vector128.Narrow(bits.GetLower(), bits.GetUpper()).Store((ushort*)target);
    }

    public static float Get(BrainFloat16* source) => BitConverter.UInt32BitsToSingle((uint)*(ushort*)source << 16);

    public static void Set(BrainFloat16* target, float value) => *(ushort*)target = (ushort)(Rounded(Vector512.Create(value))[0] >> 16);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Round(Vector512<float> values) => (Rounded(values) & Vector512.Create(0xFFFF0000)).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<uint> Widen(Vector256<ushort> values)
    {
        if (Avx512F.IsSupported) return Avx512F.ConvertToVector512UInt32(values);
        var (low, high) = Vector256.Widen(values);
        return Vector512.Create(low, high);
    }

    /// <summary>To nearest, ties to even, in the upper half of each lane; a NaN stays one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<uint> Rounded(Vector512<float> values)
    {
        var bits = values.AsUInt32();
        var rounded = bits + Vector512.Create(0x7FFFu) + ((bits >>> 16) & Vector512<uint>.One);
        return Vector512.ConditionalSelect(Vector512.Equals(values, values).AsUInt32(), rounded, Vector512.Create(0x7FC00000u));
    }
}

/// <summary>Sixteen lanes: partial vectors at the end of a row, sums over lanes in a fixed order, and the exponential.</summary>
internal static unsafe class Lanes
{
    public const int Count = 16;

    /// <summary>The first <paramref name="count"/> lanes; the others are <paramref name="filler"/>.</summary>
    public static Vector512<float> LoadTail<T>(T* source, int count, float filler = 0) where T : unmanaged, IElement<T>
    {
        var values = stackalloc float[Count];
        for (var i = 0; i < Count; i++) values[i] = i < count ? T.Get(source + i) : filler;
        return Vector512.Load(values);
    }

    public static void StoreTail<T>(T* target, Vector512<float> values, int count) where T : unmanaged, IElement<T>
    {
        var whole = stackalloc T[Count];
        T.Store(whole, values);
        for (var i = 0; i < count; i++) target[i] = whole[i];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load<T>(T* source, int left) where T : unmanaged, IElement<T> => left >= Count ? T.Load(source) : LoadTail(source, left);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<T>(T* target, Vector512<float> values, int left) where T : unmanaged, IElement<T>
    {
        if (left >= Count) T.Store(target, values);
        else StoreTail(target, values, left);
    }

    /// <summary>
    /// e^x to about 1 ulp for x up to 88; below -87.3 it is 0 (to the last bit, so that nothing subnormal slows down what follows). A NaN stays one.
    /// Cephes' polynomial on [-ln 2 / 2, ln 2 / 2].
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Exp(Vector512<float> x)
    {
        var magic = Vector512.Create(12582912f);
        var small = Vector512.LessThan(x, Vector512.Create(-87.3f));
        x = Vector512.MinNative(Vector512.Create(88f), Vector512.MaxNative(Vector512.Create(-87.3f), x));
        var shifted = Vector512.FusedMultiplyAdd(x, Vector512.Create(1.44269504088896341f), magic);
        var n = shifted - magic;
        var r = Vector512.FusedMultiplyAdd(n, Vector512.Create(-0.693359375f), x);
        r = Vector512.FusedMultiplyAdd(n, Vector512.Create(2.12194440e-4f), r);
        var p = Vector512.FusedMultiplyAdd(Vector512.Create(1.9875691500e-4f), r, Vector512.Create(1.3981999507e-3f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(8.3334519073e-3f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(4.1665795894e-2f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1.6666665459e-1f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(5.0000001201e-1f));
        p = Vector512.FusedMultiplyAdd(p, r * r, r + Vector512<float>.One);
        var power = ((shifted.AsInt32() << 23) + Vector512.Create(127 << 23)).AsSingle();
        return Vector512.ConditionalSelect(small, Vector512<float>.Zero, p * power);
    }
}
