using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Tulu2.Data;
using Tulu2.Models.Llama;
using Tulu2.Training.Optimization;

namespace Tulu2.Training.Workers;

/// <summary>
/// Initial weights of a preset: normal with the configuration's initializer_range, norms 1. Each element is a pure function of (seed, Hugging Face tensor
/// name, index in the whole tensor), so that virtual shards, ranks and the order of filling do not matter.
/// </summary>
public static class RandomWeights
{
    /// <param name="destination">Address of <c>layout.Length</c> zeroed floats.</param>
    public static void Fill(FlatLayout layout, int seed, nint destination)
    {
        foreach (var (slice, offset, rowStride) in layout.Slices)
        {
            if (slice.Shape.Length == 1)
            {
                FlatMemory.Floats(destination, offset, (int)slice.Size[0]).Fill(1);
                continue;
            }
            var key = Key(seed, slice.Name);
            var columns = slice.Size[1];
            for (long row = 0; row < slice.Size[0]; row++)
                FillRow(FlatMemory.Floats(destination, offset + row * rowStride, (int)columns), key,
                    (slice.Begin[0] + row) * slice.Shape[1] + slice.Begin[1], layout.Config.InitializerRange);
        }
    }

    private static ulong Key(int seed, string name)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes($"{seed}/{name}"), hash);
        return BinaryPrimitives.ReadUInt64LittleEndian(hash);
    }

    private static void FillRow(Span<float> row, ulong key, long first, double scale)
    {
        for (var index = 0; index < row.Length; index++) row[index] = (float)(scale * Normal(key, (ulong)(first + index)));
    }

    /// <summary>Element <paramref name="index"/> of a standard normal stream (Box-Muller on two mixed counters).</summary>
    internal static double Normal(ulong key, ulong index)
    {
        var one = SplitMix64.Mix(key + index * SplitMix64.Increment);
        var two = SplitMix64.Mix(one ^ key);
        // In (0, 1], so that the logarithm is finite.
        var radius = ((one >> 11) + 1) * (1.0 / (1UL << 53));
        var angle = (two >> 11) * (2 * Math.PI / (1UL << 53));
        return Math.Sqrt(-2 * Math.Log(radius)) * Math.Cos(angle);
    }
}
