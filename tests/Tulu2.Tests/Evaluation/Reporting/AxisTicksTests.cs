using FsCheck.Xunit;
using Tulu2.Evaluation.Reporting;
using Xunit;

namespace Tulu2.Tests.Evaluation.Reporting;

public class AxisTicksTests
{
    [Fact]
    public void Ticks_stand_at_round_numbers()
    {
        Assert.Equal(["0", "2", "4", "6", "8", "10"], AxisTicks.For(0.3, 8.4, 5, snap: true).Labels);
        Assert.Equal(["100", "200", "300"], AxisTicks.For(1, 300, 3, snap: false, whole: true).Labels);
        Assert.Equal(["0", "5e-6", "1.0e-5", "1.5e-5", "2.0e-5"], AxisTicks.For(0, 2e-5, 4, snap: true).Labels);
    }

    [Property]
    public bool Snapped_limits_hold_all_values_and_labels_differ(FsCheck.NormalFloat first, FsCheck.NormalFloat second)
    {
        double low = Math.Min(first.Get, second.Get), high = Math.Max(first.Get, second.Get);
        if (Math.Abs(high) > 1e12 || Math.Abs(low) > 1e12 || (high > low && (high - low) < 1e-6 * Math.Abs(high))) return true;
        var axis = AxisTicks.For(low, high, 5, snap: true);
        var slack = 1e-6 * (axis.High - axis.Low);
        return axis.Low <= low + slack && axis.High >= high - slack && axis.Labels.Distinct().Count() == axis.Labels.Count
            && axis.Positions.Count is >= 2 and <= 14;
    }
}
