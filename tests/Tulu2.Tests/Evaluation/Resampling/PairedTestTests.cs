using FsCheck;
using FsCheck.Xunit;
using Tulu2.Evaluation.Resampling;
using Xunit;

namespace Tulu2.Tests.Evaluation.Resampling;

public class PairedTestTests
{
    [Fact]
    public void Right_and_wrong_are_tested_exactly_however_many_items_there_are()
    {
        var test = PairedTest.Of([.. Enumerable.Repeat(1.0, 10), -1, -1, .. Enumerable.Repeat(0.0, 500)], 1);
        Assert.Equal("McNemar, exact", test.Name);
        // Two in twelve or fewer, either way: 2 (1 + 12 + 66) / 4096.
        Assert.Equal(158 / 4096.0, test.P, 1e-12);
        Assert.Equal(1, PairedTest.Of([1, -1], 1).P);
        var many = PairedTest.Of([.. Enumerable.Repeat(1.0, 5300), .. Enumerable.Repeat(-1.0, 5000)], 1);
        // The normal approximation with its correction: z = 299 / sqrt(10300).
        Assert.Equal(0.00322, many.P, 0.00005);
    }

    [Fact]
    public void Few_items_have_all_patterns_counted()
    {
        var test = PairedTest.Of([1, 2, 3], 1);
        Assert.Equal(("sign flips, all counted", 0.25), (test.Name, test.P));
        // Sums of at least 3 in size among +-1 +-2 +-4 with signs (+, -, +): 7, 5, 3 and their opposites.
        Assert.Equal(0.75, PairedTest.Of([1, -2, 4], 1).P);
        Assert.Equal(("no item differs", 1), (PairedTest.Of([0, 0], 1).Name, PairedTest.Of([0, 0], 1).P));
    }

    [Fact]
    public void Many_items_are_drawn_by_a_seed_and_agree_with_the_normal_distribution()
    {
        var random = new Random(5);
        var differences = Enumerable.Range(0, 400).Select(_ => random.NextDouble() - 0.47).ToList();
        var test = PairedTest.Of(differences, 3);
        Assert.Equal("sign flips, 10,000 drawn", test.Name);
        Assert.Equal(test, PairedTest.Of(differences, 3));
        var z = Math.Abs(differences.Sum()) / Math.Sqrt(differences.Sum(d => d * d));
        Assert.Equal(2 * (1 - Normal(z)), test.P, 0.02);

        // Abramowitz and Stegun 26.2.17.
        static double Normal(double z)
        {
            var t = 1 / (1 + 0.2316419 * z);
            return 1 - Math.Exp(-z * z / 2) / Math.Sqrt(2 * Math.PI) * t * (0.319381530 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
        }
    }

    [Property]
    public bool Which_model_comes_first_does_not_matter(NonEmptyArray<int> differences)
    {
        var some = differences.Get.Take(12).Select(d => d % 1000 / 8.0).ToList();
        var (one, other) = (PairedTest.Of(some, 1), PairedTest.Of([.. some.Select(d => -d)], 1));
        return one == other && one.P is > 0 and <= 1;
    }
}
