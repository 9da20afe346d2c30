using FsCheck.Xunit;
using Tulu2.Data.Slots;
using Xunit;

namespace Tulu2.Tests.Data.Slots;

/// <summary>Weighted sources: an epoch passes each of them as often as it should, and always other parts of what it does not pass whole.</summary>
public sealed class EpochShareTests
{
    [Property(MaxTest = 200)]
    public void An_epoch_passes_each_share_as_often_as_it_should(int seed, byte first, byte second, byte epoch, bool shuffle)
    {
        EpochShare[] shares = [new(0, 1 + first % 7, 1 + first / 7), new(1 + first % 7, 1 + second % 11, 1 + second / 11)];
        var order = new SampleOrder(shares, seed, shuffle);
        var items = order.Epoch(epoch % 9).ToArray();
        Assert.Equal(order.Length, items.Length);
        foreach (var (start, count, perEpoch) in shares)
        {
            var times = Enumerable.Range(start, count).Select(item => items.Count(one => one == item)).ToList();
            Assert.Equal(perEpoch, times.Sum());
            Assert.InRange(times.Max() - times.Min(), 0, 1);
        }
    }

    [Property(MaxTest = 200)]
    public void Epochs_together_pass_every_item_equally_often(int seed, byte size, byte part, bool shuffle)
    {
        var count = 1 + size % 20;
        var perEpoch = 1 + part % (2 * count);
        var order = new SampleOrder([new EpochShare(0, count, perEpoch)], seed, shuffle);
        var passed = Enumerable.Range(0, count).SelectMany(epoch => order.Epoch(epoch).ToArray()).CountBy(item => item).Select(item => item.Value).Distinct();
        Assert.Equal([perEpoch], passed);
    }

    [Fact]
    public void Half_a_share_is_followed_by_its_other_half()
    {
        var order = new SampleOrder([EpochShare.Weighted(0, 10, 0.5)], 42, shuffle: true);
        Assert.Equal(Enumerable.Range(0, 10), order.Epoch(0).ToArray().Concat(order.Epoch(1).ToArray()).Order());
        Assert.NotEqual(order.Epoch(0).ToArray().Order(), order.Epoch(2).ToArray().Order());
    }

    [Fact]
    public void Shares_that_are_passed_once_have_the_order_of_none()
    {
        for (var epoch = 0; epoch < 3; epoch++)
            Assert.Equal(
                new SampleOrder([new EpochShare(0, 100, 100)], 7, shuffle: true).Epoch(epoch).ToArray(),
                new SampleOrder([new EpochShare(0, 30, 30), new EpochShare(30, 70, 70)], 7, shuffle: true).Epoch(epoch).ToArray());
    }

    [Fact]
    public void Without_shuffling_the_order_is_that_of_the_files_in_every_epoch()
    {
        var order = new SampleOrder([new EpochShare(0, 3, 6), new EpochShare(3, 4, 2)], 7, shuffle: false);
        Assert.Equal([0, 1, 2, 0, 1, 2], order.Epoch(5).ToArray()[..6]);
        Assert.Equal([3, 4, 5, 6], order.Epoch(4).ToArray()[6..].Concat(order.Epoch(5).ToArray()[6..]).Order());
        Assert.False(order.IsConstant);
        Assert.True(new SampleOrder([new EpochShare(0, 3, 6)], 7, shuffle: false).IsConstant);
    }

    [Theory]
    [InlineData(2, 20)]
    [InlineData(0.25, 3)]
    [InlineData(0.001, 1)]
    [InlineData(1.44, 14)]
    public void A_weight_is_rounded_to_whole_items_and_to_one_at_least(double weight, int perEpoch) =>
        Assert.Equal(new EpochShare(5, 10, perEpoch), EpochShare.Weighted(5, 10, weight));
}
