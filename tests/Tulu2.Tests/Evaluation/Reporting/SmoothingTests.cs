using Tulu2.Evaluation.Reporting;
using Xunit;

namespace Tulu2.Tests.Evaluation.Reporting;

public sealed class SmoothingTests
{
    [Fact]
    public void A_level_curve_stays_level_from_its_first_point() =>
        Assert.All(Smoothing.Of([.. Enumerable.Repeat(3.5, 50)], 0.9), value => Assert.Equal(3.5, value, 12));

    [Fact]
    public void A_point_that_is_not_finite_leaves_the_average_as_it_is()
    {
        var smoothed = Smoothing.Of([double.NaN, 2, double.PositiveInfinity, 4], 0.5);
        Assert.Equal(double.NaN, smoothed[0]);
        Assert.Equal([2, 2, 10 / 3.0], smoothed[1..]);
    }

    [Fact]
    public void A_smoothed_curve_lies_within_what_it_smooths_and_moves_less()
    {
        double[] noisy = [.. Enumerable.Range(0, 200).Select(i => 1 + i % 2)];
        var smoothed = Smoothing.Of(noisy, Smoothing.Constant(noisy.Length));
        Assert.All(smoothed, value => Assert.InRange(value, 1, 2));
        Assert.InRange(smoothed[^1] - smoothed[^2], -0.2, 0.2);
    }
}
