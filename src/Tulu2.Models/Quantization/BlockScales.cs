using System.Numerics.Tensors;

namespace Tulu2.Models.Quantization;

/// <summary>
/// The scales of a tensor's blocks: the largest magnitude (absmax) of each. Either in fp32, or in 8 bits each ("double quantisation"): their mean is
/// subtracted, and the rest is coded by a map of 256 values, in nested blocks of 256 scales with an fp32 scale each.
/// </summary>
internal sealed class BlockScales
{
    /// <summary>Scales of one nested block.</summary>
    public const int NestedBlock = 256;

    // Number of the first nested block held, in the whole tensor.
    private readonly long _firstNested;

    /// <summary>In fp32.</summary>
    public BlockScales(float[] values) => Values = values;

    /// <summary>In 8 bits.</summary>
    /// <param name="codes">One for each block.</param>
    /// <param name="nested">One for each nested block.</param>
    public BlockScales(byte[] codes, float[] nested, float mean, float[] map) : this(codes, nested, mean, map, firstNested: 0)
    {
    }

    private BlockScales(byte[] codes, float[] nested, float mean, float[] map, long firstNested) =>
        (Codes, Values, Mean, Map, _firstNested) = (codes, nested, mean, map, firstNested);

    public bool IsNested => Map.Length > 0;

    /// <summary>Number of the first nested block held, in the whole tensor.</summary>
    public long FirstNested => _firstNested;

    /// <summary>Empty where the scales are in fp32.</summary>
    public byte[] Codes { get; } = [];

    /// <summary>fp32: of the nested blocks, or of the blocks themselves where they are not nested.</summary>
    public float[] Values { get; }

    public float Mean { get; }

    /// <summary>The 256 values of the codes; empty where the scales are in fp32.</summary>
    public float[] Map { get; } = [];

    /// <summary>Without the map, which all tensors have in common.</summary>
    public long SizeInBytes => Codes.Length + (long)sizeof(float) * Values.Length + (IsNested ? sizeof(float) : 0);

    /// <summary>Scale of a block. The product is rounded before the mean is added, as in bitsandbytes.</summary>
    /// <param name="held">Its place in what is held.</param>
    /// <param name="number">Its number in the whole tensor.</param>
    public float At(long held, long number) => IsNested ? Map[Codes[held]] * Values[number / NestedBlock - _firstNested] + Mean : Values[held];

    /// <summary>Codes fp32 scales in 8 bits.</summary>
    public static BlockScales Nest(float[] absmax)
    {
        // In double precision: bitsandbytes sums in fp32, in an order that depends on the device, and may differ from this in the last bits.
        var sum = 0.0;
        foreach (var value in absmax) sum += value;
        var mean = (float)(sum / absmax.Length);
        var codes = GC.AllocateUninitializedArray<byte>(absmax.Length);
        var nested = new float[(absmax.Length + NestedBlock - 1) / NestedBlock];
        Span<float> rest = stackalloc float[NestedBlock];
        for (var block = 0; block < nested.Length; block++)
        {
            var begin = block * NestedBlock;
            var part = rest[..Math.Min(NestedBlock, absmax.Length - begin)];
            TensorPrimitives.Subtract(absmax.AsSpan(begin, part.Length), mean, part);
            nested[block] = MathF.Abs(TensorPrimitives.MaxMagnitude<float>(part));
            var inverse = 1 / nested[block];
            for (var index = 0; index < part.Length; index++) codes[begin + index] = DynamicMap.Nearest(part[index] * inverse);
        }
        return new BlockScales(codes, nested, mean, DynamicMap.Shared(DynamicMap.Values));
    }

    /// <summary>Ascending runs of a whole tensor's scales, one after another.</summary>
    public BlockScales Pick(IReadOnlyList<(long Begin, long Count)> runs)
    {
        if (!IsNested) return new BlockScales(Copy(Values, runs));
        long first = runs[0].Begin / NestedBlock, last = (runs[^1].Begin + runs[^1].Count - 1) / NestedBlock;
        return new BlockScales(Copy(Codes, runs), Values[(int)first..(int)(last + 1)], Mean, Map, first);
    }

    private static T[] Copy<T>(T[] source, IReadOnlyList<(long Begin, long Count)> runs)
    {
        var result = new T[runs.Sum(run => run.Count)];
        var at = 0L;
        foreach (var (begin, count) in runs)
        {
            Array.Copy(source, begin, result, at, count);
            at += count;
        }
        return result;
    }
}
