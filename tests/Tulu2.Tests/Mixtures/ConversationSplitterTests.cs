using FsCheck;
using FsCheck.Xunit;
using Tulu2.Mixtures.Splitting;
using Xunit;

namespace Tulu2.Tests.Mixtures;

public class ConversationSplitterTests
{
    private static readonly ConversationPart[] None = [];

    [Fact]
    public void A_giant_pair_in_the_middle_is_in_no_part()
    {
        int[] costs = [10, 10, 60, 60, 10, 10, 10, 10];
        Assert.Equal([new(0, 2), new(4, 8)], ConversationSplitter.Whole(costs, 100));
        // It still weighs on the pair after it, which begins a new part by itself.
        Assert.Equal([new(0, 2), new(4, 8)], ConversationSplitter.AsOriginal(costs, 100));
    }

    [Fact]
    public void A_last_pair_behind_a_giant_one_is_lost_by_the_original()
    {
        int[] costs = [10, 10, 60, 60, 10, 10];
        Assert.Equal([new(0, 2), new(4, 6)], ConversationSplitter.Whole(costs, 100));
        Assert.Equal([new(0, 2)], ConversationSplitter.AsOriginal(costs, 100));
    }

    [Fact]
    public void A_last_pair_that_overflows_is_lost_by_the_original()
    {
        int[] costs = [40, 40, 20, 10];
        Assert.Equal([new(0, 2), new(2, 4)], ConversationSplitter.Whole(costs, 100));
        Assert.Equal([new(0, 2)], ConversationSplitter.AsOriginal(costs, 100));
    }

    [Fact]
    public void An_odd_last_turn_is_cut_off()
    {
        Assert.Equal([new(0, 2)], ConversationSplitter.AsOriginal([10, 10, 10], 100));
        Assert.Equal([new(0, 2)], ConversationSplitter.Whole([10, 10, 10], 100));
        Assert.Equal(None, ConversationSplitter.AsOriginal([10], 100));
        Assert.Equal(None, ConversationSplitter.Whole([10], 100));
    }

    [Property]
    public bool Parts_hold_every_pair_that_fits_once_and_in_order(PositiveInt[] costs, PositiveInt most)
    {
        var turns = costs.Select(cost => cost.Get).ToArray();
        var parts = ConversationSplitter.Whole(turns, most.Get);
        var covered = parts.SelectMany(part => Enumerable.Range(part.Begin, part.End - part.Begin)).ToList();
        var fit = Enumerable.Range(0, turns.Length / 2).Where(pair => turns[2 * pair] + turns[2 * pair + 1] <= most.Get).SelectMany(pair => new[] { 2 * pair, 2 * pair + 1 });
        return covered.SequenceEqual(fit) && parts.All(part => turns[part.Begin..part.End].Sum() <= most.Get);
    }

    [Property]
    public bool The_original_loses_at_most_the_last_pair(PositiveInt[] costs, PositiveInt most)
    {
        var turns = costs.Select(cost => cost.Get).ToArray();
        var (whole, original) = (Turns(ConversationSplitter.Whole(turns, most.Get)), Turns(ConversationSplitter.AsOriginal(turns, most.Get)));
        return whole.Take(original.Count).SequenceEqual(original) && whole.Count - original.Count is 0 or 2;

        static List<int> Turns(IEnumerable<ConversationPart> parts) => [.. parts.SelectMany(part => Enumerable.Range(part.Begin, part.End - part.Begin))];
    }
}
