using Tulu2.Training.Hosting;
using Xunit;

namespace Tulu2.Tests.Training.Processes;

public sealed class LifeSignsTests
{
    [Fact]
    public void A_process_counts_as_stopped_after_so_many_looks_in_a_row_without_a_sign()
    {
        var life = new LifeSigns(checks: 3);
        Assert.All(new long[] { 0, 0, 0, 1, 1, 1, 2, 2, 2 }, signs => Assert.False(life.IsStopped(signs)));
        Assert.True(life.IsStopped(2));
        Assert.False(life.IsStopped(3));
    }
}
