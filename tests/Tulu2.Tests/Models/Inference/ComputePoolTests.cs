using Tulu2.Models.Inference;
using Xunit;

namespace Tulu2.Tests.Models.Inference;

public class ComputePoolTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void Every_item_is_done_once_before_the_call_returns(int threads)
    {
        using var pool = new ComputePool(threads);
        for (var round = 0; round < 2000; round++)
        {
            var done = new int[round % 37];
            pool.Run(done.Length, (item, thread) =>
            {
                Assert.InRange(thread, 0, threads - 1);
                Interlocked.Increment(ref done[item]);
            });
            Assert.All(done, count => Assert.Equal(1, count));
            // Now and then its threads fall asleep.
            if (round % 400 == 0) Thread.Sleep(5);
        }
    }
}
