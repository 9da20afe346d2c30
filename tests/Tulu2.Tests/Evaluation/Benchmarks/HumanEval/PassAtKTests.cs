using System.Numerics;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Tulu2.Evaluation.Benchmarks.HumanEval;
using Xunit;

namespace Tulu2.Tests.Evaluation.Benchmarks.HumanEval;

public class PassAtKTests
{
    // docs/reference/tulu2.md, section 10.2, number 12.
    [Theory]
    [InlineData(20, 1, 10, 0.5)]
    [InlineData(20, 0, 10, 0)]
    [InlineData(20, 11, 10, 1)]
    [InlineData(20, 20, 1, 1)]
    [InlineData(20, 7, 1, 0.35)]
    [InlineData(1, 1, 1, 1)]
    [InlineData(1, 0, 1, 0)]
    public void Known_answers(int samples, int correct, int k, double expected) => Assert.Equal(expected, PassAtK.Estimate(samples, correct, k), 1e-12);

    [Property]
    public Property It_is_the_share_of_draws_with_a_correct_one(PositiveInt first, NonNegativeInt second, PositiveInt third)
    {
        var samples = 1 + first.Get % 60;
        var (correct, k) = (second.Get % (samples + 1), 1 + third.Get % samples);
        var exact = 1 - (double)Choose(samples - correct, k) / (double)Choose(samples, k);
        return (Math.Abs(PassAtK.Estimate(samples, correct, k) - exact) < 1e-12).ToProperty();
    }

    [Theory]
    [InlineData(5, 1, 10)]
    [InlineData(5, 6, 1)]
    [InlineData(5, -1, 1)]
    [InlineData(5, 1, 0)]
    public void Numbers_that_make_no_sense_are_errors(int samples, int correct, int k) =>
        Assert.ThrowsAny<ArgumentOutOfRangeException>(() => PassAtK.Estimate(samples, correct, k));

    private static BigInteger Choose(int of, int take)
    {
        var ways = BigInteger.One;
        for (var i = 0; i < take; i++) ways = ways * (of - i) / (i + 1);
        return ways;
    }
}
