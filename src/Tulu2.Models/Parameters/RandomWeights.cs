using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Tulu2.Checkpoints;
using Tulu2.Data;
using Tulu2.Models.Families;

namespace Tulu2.Models.Parameters;

/// <summary>
/// Initial weights of a preset, by the roles of its tensors: matrices normal with the configuration's initializer_range, norms 1, biases 0. Each element
/// is a pure function of (seed, Hugging Face tensor name, index in the whole tensor), so that virtual shards, ranks and the order of filling do not
/// matter.
/// </summary>
public static unsafe class RandomWeights
{
    /// <param name="destination">Address of <c>map.Length</c> zeroed floats.</param>
    public static void Fill(ParameterMap map, int seed, nint destination)
    {
        foreach (var part in map.Slices)
        {
            var slice = part.Slice;
            var (initial, width) = (map.Config.Family.Initial(part.Role), slice.Size[^1]);
            var key = initial == InitialValue.Normal ? Key(seed, slice.Name) : 0;
            for (long row = 0; row < slice.Length / width; row++)
            {
                var values = new Span<float>((float*)destination + part.Offset + row * part.RowStride, (int)width);
                if (initial == InitialValue.One) values.Fill(1);
                if (initial == InitialValue.Normal) FillRow(values, key, First(slice, row), map.Config.InitializerRange);
            }
        }
    }

    // Index in the whole tensor of a row's first element.
    private static long First(TensorSlice slice, long row) =>
        slice.Shape.Length == 1 ? slice.Begin[0] : (slice.Begin[0] + row) * slice.Shape[1] + slice.Begin[1];

    /// <summary>
    /// Initial adapters: B is 0, so that they add nothing at first; A is uniform within 1 / sqrt(inputs), which is Kaiming's initialisation with a = sqrt(5), as
    /// PEFT has it (from another generator).
    /// </summary>
    /// <param name="destination">Address of <c>map.Length</c> zeroed floats.</param>
    public static void FillAdapters(ParameterMap map, int seed, nint destination)
    {
        foreach (var part in map.Slices.Where(part => AdapterTensors.IsInput(part.Slice.Name)))
        {
            var (slice, width, key) = (part.Slice, part.Slice.Size[^1], Key(seed, part.Slice.Name));
            var bound = 1 / Math.Sqrt(slice.Shape[1]);
            for (long row = 0; row < slice.Length / width; row++)
            {
                var values = new Span<float>((float*)destination + part.Offset + row * part.RowStride, (int)width);
                var first = First(slice, row);
                for (var index = 0; index < values.Length; index++)
                    values[index] = (float)(bound * (2 * SplitMix64.ToUnit(SplitMix64.Mix(key + (ulong)(first + index) * SplitMix64.Increment)) - 1));
            }
        }
    }

    internal static ulong Key(int seed, string name)
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
