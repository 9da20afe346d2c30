using System.Collections.Immutable;
using FsCheck.Xunit;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Placement;
using Xunit;

namespace Tulu2.Tests.Protocol.Placement;

/// <summary>Which rank goes to which node.</summary>
public sealed class PlacementSpec
{
    [Fact]
    public void Nothing_starts_before_there_is_room_for_all()
    {
        var (state, effects) = new PlacementState(5, 1).Offer(Node("a", 2));
        Assert.Equal(new PlacementEffect.Waiting(3), Assert.Single(effects));
        (state, effects) = state.Offer(Node("a", 2));
        Assert.Empty(effects);
        (_, effects) = state.Offer(Node("b", 4));
        Assert.Equal([(0, "a"), (1, "a"), (2, "b"), (3, "b"), (4, "b")], Starts(effects));
    }

    [Fact]
    public void Tensor_parallel_neighbours_stay_together_where_a_node_has_room()
    {
        var state = new PlacementState(6, 2).Offer(Node("a", 3)).Next.Offer(Node("b", 2)).Next;
        var (_, effects) = state.Offer(Node("c", 2));
        Assert.Equal([(0, "a"), (1, "a"), (2, "b"), (3, "b"), (4, "c"), (5, "c")], Starts(effects));
    }

    [Fact]
    public void A_group_is_parted_rather_than_not_placed()
    {
        var state = new PlacementState(4, 4).Offer(Node("a", 3)).Next;
        Assert.Equal([(0, "a"), (1, "a"), (2, "a"), (3, "b")], Starts(state.Offer(Node("b", 1)).Effects));
    }

    [Fact]
    public void What_a_lost_node_had_is_placed_anew_with_a_later_epoch()
    {
        var state = new PlacementState(4, 1).Offer(Node("a", 2)).Next.Offer(Node("b", 2)).Next;
        var (waiting, effects) = state.Gone("a");
        Assert.Equal([0, 1], Assert.IsType<PlacementEffect.Lost>(effects[0]).Ranks.Select(rank => rank.Value));
        Assert.Equal(new PlacementEffect.Waiting(2), effects[1]);
        var start = Assert.IsType<PlacementEffect.Start>(Assert.Single(waiting.Offer(Node("a again", 3)).Effects));
        Assert.Equal([0, 1], start.Ranks.Select(rank => rank.Value));
        Assert.True(start.Epoch > ((PlacementEffect.Lost)effects[0]).Epoch);
    }

    [Fact]
    public void A_rank_whose_worker_lives_on_a_node_stays_there()
    {
        var (state, effects) = new PlacementState(4, 2).Offer(Node("a", 4, 3), Node("b", 2, 0, 1), Node("c", 1, 0));
        Assert.Equal([(0, "b"), (1, "b"), (2, "a"), (3, "a")], Starts(effects));
        // What a node had of a rank that was started elsewhere does not count any more.
        Assert.Equal([(0, "a"), (1, "a")], Starts(state.Gone("b").Effects));
    }

    [Property(MaxTest = 300)]
    public void A_rank_is_in_one_place_at_a_time_and_in_none_only_while_there_is_no_room((byte Node, byte Places)[] moves, byte many, byte together)
    {
        var ranks = 1 + many % 9;
        var state = new PlacementState(ranks, 1 + together % 4);
        var places = new Dictionary<string, int>();
        var home = new Dictionary<int, string>();
        foreach (var (node, count) in moves)
        {
            var name = $"node {node % 5}";
            ImmutableArray<PlacementEffect> effects;
            if (places.Remove(name)) (state, effects) = state.Gone(name);
            else
            {
                places.Add(name, count % 4);
                (state, effects) = state.Offer(Node(name, count % 4));
            }
            foreach (var lost in effects.OfType<PlacementEffect.Lost>())
                foreach (var rank in lost.Ranks) Assert.True(home.Remove(rank, out var left) && left == name);
            foreach (var (rank, where) in Starts(effects)) home.Add(rank, where);
            Assert.All(home.GroupBy(rank => rank.Value), group => Assert.InRange(group.Count(), 1, places[group.Key]));
            var missing = ranks - places.Values.Sum();
            Assert.Equal(missing <= 0, home.Count == ranks);
        }
    }

    private static PlacementOffer Node(string name, int places, params int[] living) => new(name, places, [.. living.Select(rank => new Rank(rank))]);

    private static IEnumerable<(int Rank, string Node)> Starts(IEnumerable<PlacementEffect> effects) =>
        effects.OfType<PlacementEffect.Start>().SelectMany(start => start.Ranks.Select(rank => (rank.Value, start.Node))).Order();
}
