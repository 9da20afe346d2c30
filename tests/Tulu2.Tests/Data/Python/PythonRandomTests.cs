using System.Numerics;
using Tulu2.Data.Python;
using Tulu2.Files;
using Xunit;

namespace Tulu2.Tests.Data.Python;

/// <summary>Known answers are CPython 3.11's own.</summary>
public class PythonRandomTests
{
    [Fact]
    public void Floats_and_words_of_seed_42()
    {
        var random = new PythonRandom(42);
        Assert.Equal(0.6394267984578837, random.Random());
        Assert.Equal(0.025010755222666936, random.Random());
        random = new PythonRandom(42);
        ulong[] words = [2746317213, 478163327, 107420369];
        Assert.Equal(words, words.Select(_ => random.GetRandBits(32)));
    }

    [Fact]
    public void A_stream_goes_on_past_its_state()
    {
        var random = new PythonRandom(42);
        for (var draw = 0; draw < 1999; draw++) random.Random();
        Assert.Equal(0.30176443514420326, random.Random());
    }

    [Theory]
    [InlineData("-5", 0.6229016948897019)]
    [InlineData("5", 0.6229016948897019)]
    [InlineData("0", 0.8444218515250481)]
    [InlineData("9223372036854775807", 0.3166448820870279)]
    [InlineData("18446744073709551623", 0.9625990769630326)]
    public void Seeds_of_any_size_and_sign(string seed, double first) =>
        Assert.Equal(first, new PythonRandom(BigInteger.Parse(seed, System.Globalization.CultureInfo.InvariantCulture)).Random());

    [Fact]
    public void Bits_of_any_number_up_to_64()
    {
        var random = new PythonRandom(0);
        ulong[] expected = [1, 12, 1627694678, 3823568514, 1806341205, 8696133065399866, 8963783824838420066];
        Assert.Equal(expected, new[] { 1, 5, 31, 32, 33, 53, 64 }.Select(random.GetRandBits));
    }

    [Fact]
    public void Ranges()
    {
        var random = new PythonRandom(42);
        long[] expected = [10, 14, 25, 4506, 32098, 234053, 2341057, 98847493, 110053353, 8963334018, 6107107737];
        Assert.Equal(expected, Enumerable.Range(1, 11).Select(power => random.RandRange((long)Math.Pow(10, power) + 1)));
        random = new PythonRandom(42);
        Assert.Equal(new long[] { 38, 3, 3, 38, 17, 10, 10, 10 }, Enumerable.Range(0, 8).Select(_ => random.RandRange(3, 50, 7)));
        Assert.Equal(new long[] { 15, 50, 15, 15, 22 }, Enumerable.Range(0, 5).Select(_ => random.RandRange(50, 3, -7)));
    }

    [Fact]
    public void A_shuffle()
    {
        var items = Enumerable.Range(0, 10).ToArray();
        new PythonRandom(42).Shuffle<int>(items);
        Assert.Equal([7, 3, 2, 8, 5, 6, 9, 4, 0, 1], items);
    }

    [Fact]
    public void Samples_by_the_pool_and_by_the_set()
    {
        var random = new PythonRandom(42);
        Assert.Equal([3, 0, 8, 7, 16], random.Sample(20, 5));
        Assert.Equal([4, 23, 3, 21, 28, 17, 2, 18, 13, 1], random.Sample(30, 10));
        Assert.Equal([3, 11, 27, 29, 64, 77, 71, 25, 91, 83], random.Sample(100, 10));
        Assert.Equal([735392, 571412, 439898, 231148, 471029, 617889], random.Sample(1000000, 6));
    }

    [Fact]
    public void Weighted_choices()
    {
        var random = new PythonRandom(42);
        double[] weights = [.2, .1, .1, .05, .05, .05, .05, .05, .05, .05, .05, .05, .05, .1];
        int[] expected = [7, 0, 1, 1, 9, 8, 12, 0, 3, 0, 1, 5, 0, 0, 7, 5, 1, 6, 11, 0];
        Assert.Equal(expected, Enumerable.Range(0, 20).Select(_ => random.Choice(weights)));
    }

    // The evaluation's 200 of 1,319 items: the paper's own draw.
    [Fact]
    public void The_subset_of_gsm8k()
    {
        var drawn = new PythonRandom(42).Sample(1319, 200);
        Assert.Equal([1309, 228, 51, 563, 501, 457, 285, 209, 1116, 178], drawn.Take(10));
        Assert.Equal([570, 994, 438, 270, 1169, 1180], drawn.TakeLast(6));
        Assert.Equal("2d58f22b994a781f5eaeebb877f58a9ab231cd57437017f3056523e2a5a25e71", ContentHash.Of(System.Text.Encoding.ASCII.GetBytes(string.Join(',', drawn))));
    }

    [Fact]
    public void The_subset_of_bbh() => Assert.Equal([163, 28, 6, 189, 70, 62, 57, 35, 188, 26], new PythonRandom(42).Sample(250, 40).Take(10));

    [FsCheck.Xunit.Property]
    public bool A_sample_has_different_numbers_below_the_bound(int seed, ushort size, ushort share)
    {
        var chosen = share % (size + 1);
        var drawn = new PythonRandom(seed).Sample(size, chosen);
        return drawn.Length == chosen && drawn.Distinct().Count() == chosen && drawn.All(number => number >= 0 && number < size);
    }
}
