using FsCheck.Xunit;
using Tulu2.Protocol.GradientSync;
using Tulu2.Protocol.Ids;
using Xunit;

namespace Tulu2.Tests.Protocol.GradientSync;

public sealed class StandbyKeepersSpec
{
    [Property(MaxTest = 500)]
    public void Every_rank_has_another_keeper_of_its_own_and_copies_in_use_stay(int seed, byte size)
    {
        var random = new Random(seed);
        var ranks = 2 + size % 9;
        string[] nodes = [.. Enumerable.Range(0, ranks).Select(_ => $"node {random.Next(4)}")];
        // As an earlier generation had them, some lost since.
        var before = StandbyKeepers.Of([.. nodes.Select(_ => $"node {random.Next(3)}")], new Rank?[ranks], []);
        var held = new Rank?[ranks];
        for (var rank = 0; rank < ranks; rank++)
            if (random.Next(3) > 0) held[before[rank]] = new Rank(rank);
        Rank[] inUse = [.. held.OfType<Rank>().Where(rank => held[rank] is null && random.Next(2) == 0)];

        var keepers = StandbyKeepers.Of(nodes, held, inUse);

        Assert.Equal(ranks, keepers.Distinct().Count());
        Assert.All(Rank.All(ranks), rank => Assert.NotEqual(rank, keepers[rank]));
        Assert.All(inUse, rank => Assert.Equal(before[rank], keepers[rank]));
        if (inUse.Length == 0) Assert.True(StandbyKeepers.AreApart(nodes, keepers));
    }

    [Fact]
    public void On_nodes_of_equally_many_ranks_no_copy_is_on_the_node_of_its_rank()
    {
        string[] nodes = ["a", "a", "b", "b", "c", "c"];
        var keepers = StandbyKeepers.Of(nodes, new Rank?[6], []);
        Assert.All(Rank.All(6), rank => Assert.NotEqual(nodes[rank], nodes[keepers[rank]]));
    }

    [Fact]
    public void Copies_that_are_on_other_nodes_stay_where_they_are()
    {
        string[] nodes = ["a", "b", "c"];
        // Rank 0 is new, and rank 2 was kept by it.
        Rank?[] held = [null, new Rank(0), new Rank(1)];
        Assert.Equal([1, 2, 0], StandbyKeepers.Of(nodes, held, [new Rank(0)]).Select(rank => rank.Value));
    }
}
