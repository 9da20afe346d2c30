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

    [Fact]
    public void Where_there_is_no_room_for_all_whole_copies_start_if_they_are_enough()
    {
        var (state, effects) = new PlacementState(6, 2) { Copy = 2, Fewest = 4 }.Offer(Node("a", 3));
        Assert.Equal(new PlacementEffect.Waiting(3), Assert.Single(effects));
        (state, effects) = state.Offer(Node("b", 2));
        Assert.Equal([(0, "a"), (1, "a"), (2, "b"), (3, "b")], Starts(effects));
        Assert.Equal(new PlacementEffect.Waiting(1), effects[^1]);
        // The half of a copy is no use; what is lost of one comes before a whole one.
        (state, effects) = state.Gone("b");
        Assert.Equal([new PlacementEffect.Waiting(3)], effects.Where(effect => effect is not PlacementEffect.Lost));
        (_, effects) = state.Offer(Node("c", 3));
        Assert.Equal([(2, "c"), (3, "c"), (4, "a"), (5, "c")], Starts(effects).OrderBy(start => start.Item1));
    }

    [Fact]
    public void More_ranks_are_placed_beside_the_others_and_those_that_are_released_make_room()
    {
        var (state, effects) = new PlacementState(2, 1) { Copy = 1, Fewest = 1 }.Offer(Node("a", 3));
        (state, effects) = state.Resize(4);
        Assert.Equal([(2, "a")], Starts(effects));
        (state, effects) = state.Resize(1);
        Assert.Empty(effects);
        // They have their places until they are released.
        (state, effects) = state.Resize(3);
        Assert.Empty(effects);
        (state, effects) = state.Resize(1).Next.Released([new Rank(1), new Rank(2)]);
        Assert.Empty(effects);
        Assert.Equal([(1, "a"), (2, "a")], Starts(state.Resize(3).Effects));
    }

    [Fact]
    public void What_leaves_a_node_that_is_about_to_go_is_placed_elsewhere_when_it_is_released()
    {
        var (state, effects) = new PlacementState(3, 1) { Copy = 1, Fewest = 1 }.Offer(Node("a", 2), Node("b", 2));
        Assert.Equal([(0, "a"), (1, "a"), (2, "b")], Starts(effects));
        (state, effects) = state.Leaving("a");
        var leave = Assert.IsType<PlacementEffect.Leave>(Assert.Single(effects));
        Assert.Equal(("a", 1L, "0 1"), (leave.Node, leave.Epoch, string.Join(' ', leave.Ranks)));
        Assert.Empty(state.Leaving("a").Effects);
        (state, effects) = state.Released([new Rank(0)]);
        Assert.Equal([(0, "b")], Starts(effects));
        (state, effects) = state.Released([new Rank(1)]);
        Assert.Equal(new PlacementEffect.Waiting(1), Assert.Single(effects));
        // One that is wanted, and whose node stays, has died too often: it is placed again when the run is given another size.
        (state, effects) = state.Released([new Rank(2)]);
        Assert.Equal([(1, "b")], Starts(effects));
        Assert.Equal([(2, "c")], Starts(state.Offer(Node("c", 2)).Next.Resize(3).Effects));
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
