using FsCheck.Xunit;
using Tulu2.Files;
using Tulu2.Models.Quantization;
using Xunit;

namespace Tulu2.Tests.Models.Quantization;

public sealed unsafe class Nf4Properties
{
    // Half of the widest gap between neighbouring levels, that between -1 and -0.696.
    private const double Widest = 0.1519036;

    [Property(MaxTest = 300)]
    public void No_element_is_further_from_its_value_than_half_the_widest_gap_of_its_block(int seed, byte height, byte width, sbyte exponent)
    {
        var (rows, columns) = (height % 20 + 1, width % 150 + 1);
        var values = Nf4Samples.Congruential((ulong)seed, rows * columns).Select(value => MathF.ScaleB(value, exponent / 2)).ToArray();
        var restored = Nf4Samples.Restore(Nf4Samples.Quantize(values, rows, columns, doubleQuant: false));
        for (var begin = 0; begin < values.Length; begin += Nf4.Block)
        {
            var block = values.AsSpan(begin, Math.Min(Nf4.Block, values.Length - begin)).ToArray();
            double largest = block.Max(MathF.Abs);
            for (var index = 0; index < block.Length; index++)
                Assert.InRange(Math.Abs(block[index] - (double)restored[begin + index]), 0, Widest * largest * (1 + 1e-6));
            // The largest is kept exactly.
            var at = Array.FindIndex(block, value => MathF.Abs(value) == largest);
            Assert.Equal(block[at], restored[begin + at]);
        }
    }

    [Property(MaxTest = 200)]
    public void Levels_times_a_power_of_two_come_back_exactly(int seed, byte count, sbyte exponent, bool doubleQuant)
    {
        var random = new Random(seed);
        // Every block has a one, so that all scales are the power of two.
        var values = Enumerable.Range(0, count + 1)
            .Select(index => MathF.ScaleB(index % Nf4.Block == 0 ? 1 : Nf4.Levels[random.Next(16)], exponent / 2)).ToArray();
        Assert.Equal(values, Nf4Samples.Restore(Nf4Samples.Quantize(values, 1, values.Length, doubleQuant)));
    }

    [Property(MaxTest = 200)]
    public void What_was_restored_is_quantised_to_the_same_codes_and_scales(int seed, byte height, byte width)
    {
        var (rows, columns) = (height % 20 + 1, width % 150 + 1);
        var once = Nf4Samples.Quantize(Nf4Samples.Congruential((ulong)seed, rows * columns), rows, columns, doubleQuant: false);
        var twice = Nf4Samples.Quantize(Nf4Samples.Restore(once), rows, columns, doubleQuant: false);
        Assert.Equal(once.Codes.ToArray(), twice.Codes.ToArray());
        Assert.Equal(once.Scales.Values, twice.Scales.Values);
    }

    [Property(MaxTest = 400)]
    public void A_part_has_the_bits_of_its_region_of_the_whole(
        int seed, byte height, byte width, byte top, byte left, byte bottom, byte right, bool doubleQuant, bool aligned)
    {
        var (rows, columns) = aligned ? (height % 40 + 1, (width % 5 + 1) * 64) : (height % 90 + 1, width + 1);
        long rowBegin = top % rows, columnBegin = aligned ? left % (columns / 64) * 64 : left % columns;
        long partRows = bottom % (rows - rowBegin) + 1;
        var partColumns = aligned ? (right % ((columns - columnBegin) / 64) + 1) * 64 : right % (columns - columnBegin) + 1;
        var whole = Nf4Samples.Quantize(Nf4Samples.Congruential((ulong)seed, rows * columns), rows, columns, doubleQuant);
        var part = whole.Cut(rowBegin, partRows, columnBegin, partColumns);
        Assert.Equal((partRows, partColumns, doubleQuant), (part.Rows, part.Columns, part.IsDoubleQuantized));

        var expected = Nf4Samples.Restore(whole);
        var restored = Nf4Samples.Restore(part);
        var region = new float[restored.Length];
        var brain = new ushort[(int)(partRows * (partColumns + 3))];
        fixed (float* target = region) whole.Restore(rowBegin, partRows, columnBegin, partColumns, target, partColumns);
        fixed (ushort* target = brain) part.RestoreBrain(target, partColumns + 3);
        for (var row = 0; row < partRows; row++)
            for (var column = 0; column < partColumns; column++)
            {
                var value = expected[(rowBegin + row) * columns + columnBegin + column];
                Assert.Equal(BitConverter.SingleToInt32Bits(value), BitConverter.SingleToInt32Bits(restored[row * partColumns + column]));
                Assert.Equal(BitConverter.SingleToInt32Bits(value), BitConverter.SingleToInt32Bits(region[row * partColumns + column]));
                Assert.Equal(Rounded(value), brain[row * (partColumns + 3) + column]);
                Assert.Equal(Nf4Samples.Code(whole, (rowBegin + row) * columns + columnBegin + column), Nf4Samples.Code(part, row * part.CodesOfRow + column));
            }
        // What lies between the rows belongs to no element.
        for (var row = 0; row < partRows; row++) Assert.Equal([0, 0, 0], brain[(int)((row + 1) * (partColumns + 3) - 3)..(int)((row + 1) * (partColumns + 3))]);
        if (aligned) Assert.Equal(partRows * partColumns / 64, doubleQuant ? part.Scales.Codes.Length : part.Scales.Values.Length);
    }

    [Property(MaxTest = 1000)]
    public void The_nearest_value_of_the_dynamic_map_is_found(int numerator)
    {
        var value = numerator % 1_100_000 / 1_000_000f;
        var nearest = DynamicMap.Values.ToArray().Min(known => Math.Abs((double)known - value));
        Assert.Equal(nearest, Math.Abs((double)DynamicMap.Values[DynamicMap.Nearest(value)] - value), 1e-7);
    }

    [Fact]
    public void Values_of_the_dynamic_map_are_their_own_nearest()
    {
        for (var code = 0; code < DynamicMap.Length; code++) Assert.Equal(code, DynamicMap.Nearest(DynamicMap.Values[code]));
        Assert.Equal(255, DynamicMap.Nearest(float.PositiveInfinity));
        Assert.Equal(0, DynamicMap.Nearest(float.NegativeInfinity));
    }

    [Fact]
    public void The_first_of_two_elements_is_in_the_high_half_of_their_byte()
    {
        // The half byte behind an odd count has the code of zero.
        Assert.Equal([0xF0, 0x87], Nf4Samples.Quantize([1, -1, 0.1f], 1, 3, doubleQuant: false).Codes.ToArray());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Zeros_stay_zeros_and_cost_their_neighbours_nothing(bool doubleQuant)
    {
        var values = new float[3 * Nf4.Block];
        Assert.All(Nf4Samples.Restore(Nf4Samples.Quantize(values, 3, 64, doubleQuant)), value => Assert.Equal(0, value));
        (values[0], values[100]) = (0.5f, 0);
        var tensor = Nf4Samples.Quantize(values, 3, 64, doubleQuant);
        Assert.All(Nf4Samples.Restore(tensor).Skip(1), value => Assert.Equal(0, value));
    }

    [Fact]
    public void One_huge_value_takes_the_others_of_its_block_to_zero_and_no_others()
    {
        var values = Nf4Samples.Congruential(1, 128);
        values[10] = -float.MaxValue;
        var restored = Nf4Samples.Restore(Nf4Samples.Quantize(values, 2, 64, doubleQuant: false));
        Assert.Equal(-float.MaxValue, restored[10]);
        Assert.All(restored.Take(64).Where((_, index) => index != 10), value => Assert.Equal(0, value));
        Assert.Contains(restored.Skip(64), value => value != 0);
    }

    [Fact]
    public void Denormal_numbers_have_the_codes_that_a_scale_of_1e_38_gives_them()
    {
        var values = new float[64];
        (values[0], values[1], values[2]) = (1e-39f, -1e-40f, 1e-45f);
        var tensor = Nf4Samples.Quantize(values, 1, 64, doubleQuant: false);
        Assert.Equal([8, 7, 7, 7], Enumerable.Range(0, 4).Select(index => Nf4Samples.Code(tensor, index)));
        Assert.Equal(1e-39f, tensor.Scales.Values[0]);
    }

    [Theory]
    [InlineData(float.NaN, 0)]
    [InlineData(float.NegativeInfinity, 70)]
    [InlineData(float.PositiveInfinity, 99)]
    public void What_is_no_finite_number_is_named(float value, int at)
    {
        var values = new float[100];
        values[at] = value;
        Assert.Equal("tensor sample", Assert.Throws<NonFiniteException>(() => Nf4Samples.Quantize(values, 1, 100, doubleQuant: true)).Where);
    }

    [Fact]
    public void A_part_of_whole_blocks_holds_the_bytes_of_its_own_elements()
    {
        var whole = Nf4Samples.Quantize(Nf4Samples.Congruential(1, 512 * 1024), 512, 1024, doubleQuant: true);
        Assert.Equal(512 * 1024 / 2 + 8192 + 4 * 32 + 4, whole.SizeInBytes);
        Assert.Equal(512 * 256 / 2 + 2048 + 4 * 32 + 4, whole.Cut(0, 512, 256, 256).SizeInBytes);
        Assert.Equal(128 * 1024 / 2 + 2048 + 4 * 8 + 4, whole.Cut(128, 128, 0, 1024).SizeInBytes);
        Assert.Throws<ArgumentOutOfRangeException>(() => whole.Cut(0, 513, 0, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => whole.Cut(0, 1, 1000, 25));
    }

    private static ushort Rounded(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        return (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }
}
