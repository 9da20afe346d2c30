using Tulu2.Files;
using Tulu2.Mixtures.Decontamination;
using Xunit;

namespace Tulu2.Tests.Mixtures;

public class OrderedWorkTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void Results_come_in_the_order_of_the_parts_and_no_more_parts_are_read_than_there_are_threads(int threads)
    {
        var (read, most, taken) = (0, 0, new List<int>());
        OrderedWork.Run(Parts(), part =>
        {
            // The first ones take longest.
            Thread.Sleep(part % threads == 0 ? 3 : 0);
            return part;
        }, taken.Add, threads, CancellationToken.None);
        Assert.Equal(Enumerable.Range(0, 60), taken);
        Assert.InRange(most, 1, threads);

        IEnumerable<int> Parts()
        {
            for (; read < 60; read++)
            {
                most = Math.Max(most, read + 1 - taken.Count);
                yield return read;
            }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void The_first_failure_ends_it_on_every_thread(int threads)
    {
        var fault = Assert.Throws<BadInputException>(() => OrderedWork.Run(Enumerable.Range(0, 1000),
            part => part == 7 ? throw new BadInputException("part 7", "is bad", "leave it out") : part, _ => { }, threads, CancellationToken.None));
        Assert.Equal("part 7", fault.Where);
        Assert.Throws<InvalidOperationException>(() => OrderedWork.Run(Enumerable.Range(0, 1000), part => part,
            part => throw new InvalidOperationException($"{part}"), threads, CancellationToken.None));
    }

    [Fact]
    public void It_can_be_stopped()
    {
        using var stop = new CancellationTokenSource();
        Assert.ThrowsAny<OperationCanceledException>(() => OrderedWork.Run(Enumerable.Range(0, int.MaxValue), part => part, part =>
        {
            if (part == 20) stop.Cancel();
        }, 2, stop.Token));
    }
}
