using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Tulu2.Models.Quantization;

/// <summary>
/// Elements of one block from their codes: level * scale in fp32. The 16 products are computed once for the block, and the elements looked up among them, so
/// that vectors and single elements give the same bits.
/// </summary>
internal static unsafe class Nf4Restore
{
    private const int Levels = 16;

    /// <param name="codes">Two a byte.</param>
    /// <param name="begin">Number of the first code.</param>
    /// <param name="count">At most a block.</param>
    public static void Single(byte* codes, long begin, float scale, float* target, int count)
    {
        var products = stackalloc float[Levels];
        Products(scale, products);
        var done = 0;
        if (begin % 2 == 0 && Avx2.IsSupported)
        {
            var (low, high) = (Vector256.Load(products), Vector256.Load(products + 8));
            // Byte i of four has elements 2i (high half) and 2i + 1.
            var shifts = Vector256.Create(4u, 0, 12, 8, 20, 16, 28, 24);
            for (var source = codes + begin / 2; done + 8 <= count; done += 8, source += 4)
            {
                var code = Avx2.ShiftRightLogicalVariable(Vector256.Create(Unsafe.ReadUnaligned<uint>(source)), shifts).AsInt32();
                // A lookup reads three bits; the fourth, moved to the sign, chooses between the halves of the table.
                var lower = Avx2.PermuteVar8x32(low, code);
                var upper = Avx2.PermuteVar8x32(high, code);
                Avx.BlendVariable(lower, upper, (code << 28).AsSingle()).Store(target + done);
            }
        }
        for (; done < count; done++) target[done] = products[Code(codes, begin + done)];
    }

    /// <summary>The same, each product rounded to bf16 (to nearest even).</summary>
    /// <param name="codes">Two a byte.</param>
    /// <param name="begin">Number of the first code.</param>
    /// <param name="count">At most a block.</param>
    public static void Brain(byte* codes, long begin, float scale, ushort* target, int count)
    {
        var products = stackalloc float[Levels];
        Products(scale, products);
        var rounded = stackalloc ushort[Levels];
        Round(products).Store(rounded);
        var done = 0;
        if (begin % 2 == 0 && Avx2.IsSupported)
        {
            // Tables of the low and of the high bytes.
            var words = Vector256.Load(rounded);
            var low = Vector128.Narrow((words & Vector256.Create((ushort)0xFF)).GetLower(), (words & Vector256.Create((ushort)0xFF)).GetUpper());
            var high = Vector128.Narrow((words >>> 8).GetLower(), (words >>> 8).GetUpper());
            var half = Vector128.Create((byte)0x0F);
            for (var source = codes + begin / 2; done + 32 <= count; done += 32, source += 16)
            {
                var pairs = Vector128.Load(source);
                var (first, second) = ((pairs >>> 4) & half, pairs & half);
                Look(low, high, Sse2.UnpackLow(first, second), target + done);
                Look(low, high, Sse2.UnpackHigh(first, second), target + done + 16);
            }
        }
        for (; done < count; done++) target[done] = rounded[Code(codes, begin + done)];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Look(Vector128<byte> low, Vector128<byte> high, Vector128<byte> codes, ushort* target)
    {
        var (lower, upper) = (Ssse3.Shuffle(low, codes), Ssse3.Shuffle(high, codes));
        Sse2.UnpackLow(lower, upper).AsUInt16().Store(target);
        Sse2.UnpackHigh(lower, upper).AsUInt16().Store(target + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Products(float scale, float* products)
    {
        ref var levels = ref MemoryMarshal.GetReference(Nf4.Levels);
        (Vector256.LoadUnsafe(ref levels) * scale).Store(products);
        (Vector256.LoadUnsafe(ref levels, 8) * scale).Store(products + 8);
    }

    // Finite values only.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<ushort> Round(float* products) =>
        Vector256.Narrow(Round(Vector256.Load((uint*)products)), Round(Vector256.Load((uint*)products + 8)));

    private static Vector256<uint> Round(Vector256<uint> bits) => (bits + Vector256.Create(0x7FFFu) + ((bits >>> 16) & Vector256.Create(1u))) >>> 16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Code(byte* codes, long number) => number % 2 == 0 ? codes[number / 2] >> 4 : codes[number / 2] & 0x0F;
}
