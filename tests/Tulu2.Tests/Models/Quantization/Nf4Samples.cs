using Tulu2.Models.Quantization;

namespace Tulu2.Tests.Models.Quantization;

/// <summary>Matrices to quantise.</summary>
internal static unsafe class Nf4Samples
{
    /// <summary>Numbers that any language computes alike: 24 bits of a linear congruential generator, squared with their sign; blocks differ in size.</summary>
    public static float[] Congruential(ulong seed, int count)
    {
        var values = new float[count];
        for (var index = 0; index < count; index++)
        {
            seed = unchecked(seed * 6364136223846793005 + 1442695040888963407);
            var value = ((long)(seed >> 40) - (1 << 23)) / (float)(1 << 23);
            values[index] = value * MathF.Abs(value) * MathF.Pow(2, -(index / Nf4.Block % 3));
        }
        return values;
    }

    public static Nf4Tensor Quantize(float[] values, long rows, long columns, bool doubleQuant)
    {
        fixed (float* address = values) return Nf4.Quantize("sample", rows, columns, (nint)address, doubleQuant);
    }

    public static float[] Restore(Nf4Tensor tensor)
    {
        var values = new float[tensor.Rows * tensor.Columns];
        tensor.Restore(values);
        return values;
    }

    public static int Code(Nf4Tensor tensor, long number) => number % 2 == 0 ? tensor.Codes[(int)(number / 2)] >> 4 : tensor.Codes[(int)(number / 2)] & 15;
}
