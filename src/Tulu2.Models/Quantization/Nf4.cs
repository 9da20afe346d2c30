using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Tulu2.Files;

namespace Tulu2.Models.Quantization;

/// <summary>
/// The 4-bit type NF4 of QLoRA (arXiv 2305.14314), bit for bit as bitsandbytes stores it (docs/quantization.md): 16 levels between -1 and 1, and an fp32 scale
/// for each block of 64 consecutive elements.
/// </summary>
public static unsafe class Nf4
{
    /// <summary>Elements of one block; the last block of a tensor may have fewer.</summary>
    public const int Block = 64;

    // A block whose largest magnitude is below this is coded with its reciprocal.
    private const float SmallestScale = 1e-38f;

    private static readonly float[] LevelTable =
    [
        -1, -0.6961928009986877f, -0.5250730514526367f, -0.39491748809814453f, -0.28444138169288635f, -0.18477343022823334f, -0.09105003625154495f, 0,
        0.07958029955625534f, 0.16093020141124725f, 0.24611230194568634f, 0.33791524171829224f, 0.44070982933044434f, 0.5626170039176941f,
        0.7229568362236023f, 1,
    ];

    // Midpoints of neighbouring levels, rounded to fp32: the same numbers that bitsandbytes' CUDA kernel has as literals (dQuantizeNF4) and its CPU code
    // computes. Both compare with "greater than", so that a value on a threshold takes the lower level.
    private static readonly float[] Thresholds = [.. LevelTable.Zip(LevelTable.Skip(1), (low, high) => (low + high) / 2)];

    /// <summary>Values of the 16 codes, ascending.</summary>
    public static ReadOnlySpan<float> Levels => LevelTable;

    /// <summary>Number of blocks of a tensor.</summary>
    public static long Blocks(long elements) => (elements + Block - 1) / Block;

    /// <summary>Bytes of codes and scales of a whole tensor.</summary>
    public static long SizeInBytes(long elements, bool doubleQuant)
    {
        var blocks = Blocks(elements);
        // Of every 256 scales in 8 bits there is one in fp32, and their mean.
        return (elements + 1) / 2 + (doubleQuant ? blocks + sizeof(float) * ((blocks + BlockScales.NestedBlock - 1) / BlockScales.NestedBlock + 1) : sizeof(float) * blocks);
    }

    /// <summary>
    /// Quantises a whole tensor [rows, columns], row-major at <paramref name="values"/> in fp32. A value takes the level nearest to value * (1 / absmax), in
    /// fp32, as in bitsandbytes. Where the reciprocal is infinite (a block of zeros or of the smallest denormal numbers) bitsandbytes' CUDA kernel gives every
    /// zero the level -1; here, as in its CPU code, the divisor is at least 1e-38, so that zero has the level 0, and so have nearly all such denormal numbers.
    /// </summary>
    /// <param name="name">For faults.</param>
    /// <param name="doubleQuant">Scales in 8 bits (about 4.13 bits per weight) in place of fp32 (4.5).</param>
    /// <exception cref="NonFiniteException">An element is NaN or infinite.</exception>
    public static Nf4Tensor Quantize(string name, long rows, long columns, nint values, bool doubleQuant)
    {
        var count = checked(rows * columns);
        var codes = GC.AllocateUninitializedArray<byte>(checked((int)((count + 1) / 2)), pinned: true);
        var absmax = new float[Blocks(count)];
        var source = (float*)values;
        var last = stackalloc float[Block];
        for (var block = 0L; block < absmax.Length; block++)
        {
            var begin = block * Block;
            var length = (int)Math.Min(Block, count - begin);
            var elements = new ReadOnlySpan<float>(source + begin, length);
            var scale = MathF.Abs(TensorPrimitives.MaxMagnitude(elements));
            if (!float.IsFinite(scale)) NonFiniteException.Check(scale, () => ($"tensor {name}", "one of its elements"), NonFiniteException.BrokenWeights);
            absmax[block] = scale;
            if (length < Block)
            {
                // The odd last nibble is the code of 0.
                var padded = new Span<float>(last, Block);
                padded.Clear();
                elements.CopyTo(padded);
                elements = padded;
            }
            Code(elements, 1 / MathF.Max(scale, SmallestScale), codes.AsSpan((int)(begin / 2), (length + 1) / 2));
        }
        var scales = doubleQuant ? BlockScales.Nest(absmax) : new BlockScales(absmax);
        return new Nf4Tensor(rows, columns, codes, scales);
    }

    // A code is the number of thresholds below the value. The first of two elements takes the high half of their byte.
    private static void Code(ReadOnlySpan<float> elements, float inverse, Span<byte> codes)
    {
        Span<int> below = stackalloc int[Block];
        ref var source = ref MemoryMarshal.GetReference(elements);
        ref var target = ref MemoryMarshal.GetReference(below);
        var scale = Vector256.Create(inverse);
        for (var at = 0; at < Block; at += 32)
        {
            var (a, b) = (Vector256.LoadUnsafe(ref source, (nuint)at) * scale, Vector256.LoadUnsafe(ref source, (nuint)at + 8) * scale);
            var (c, d) = (Vector256.LoadUnsafe(ref source, (nuint)at + 16) * scale, Vector256.LoadUnsafe(ref source, (nuint)at + 24) * scale);
            Vector256<int> countA = default, countB = default, countC = default, countD = default;
            foreach (var value in Thresholds)
            {
                var threshold = Vector256.Create(value);
                countA -= Vector256.GreaterThan(a, threshold).AsInt32();
                countB -= Vector256.GreaterThan(b, threshold).AsInt32();
                countC -= Vector256.GreaterThan(c, threshold).AsInt32();
                countD -= Vector256.GreaterThan(d, threshold).AsInt32();
            }
            countA.StoreUnsafe(ref target, (nuint)at);
            countB.StoreUnsafe(ref target, (nuint)at + 8);
            countC.StoreUnsafe(ref target, (nuint)at + 16);
            countD.StoreUnsafe(ref target, (nuint)at + 24);
        }
        for (var index = 0; index < codes.Length; index++) codes[index] = (byte)((below[2 * index] << 4) | below[2 * index + 1]);
    }
}
