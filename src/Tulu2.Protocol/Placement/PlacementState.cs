using System.Collections.Immutable;
using Tulu2.Protocol.Ids;

namespace Tulu2.Protocol.Placement;

/// <summary>
/// Which rank is on which node. Ranks are placed in order, the ranks of a tensor-parallel group on one node where one has room for them. Where there is no room for all
/// that have no place, whole copies of the model are placed, if the run has enough of them then. A rank whose worker lives on a node already stays there. Immutable.
/// </summary>
/// <param name="Ranks">How many the run has.</param>
/// <param name="Together">Size of a tensor-parallel group: the neighbours that talk most.</param>
public sealed record PlacementState(int Ranks, int Together)
{
    /// <param name="Living">Ranks whose workers are there already, and can go on.</param>
    private sealed record Node(string Name, int Places, ImmutableDictionary<Rank, long> Epochs, ImmutableHashSet<Rank> Living)
    {
        /// <summary>It takes no more ranks, and those that it has are to go.</summary>
        public bool IsLeaving { get; init; }

        public int Free => IsLeaving ? 0 : Places - Epochs.Count;
    }

    /// <summary>Ranks that hold the whole state once: the first ones, those that follow, and so on.</summary>
    public int Copy { get; init; } = Ranks;

    /// <summary>Ranks with which the run can go on.</summary>
    public int Fewest { get; init; } = Ranks;

    private ImmutableArray<Node> Nodes { get; init; } = [];
    private long Epoch { get; init; }

    // The run goes on without them, until it is given another size.
    private ImmutableHashSet<Rank> Retired { get; init; } = [];

    private IEnumerable<Rank> Homeless => Rank.All(Ranks).Where(rank => !Retired.Contains(rank) && Nodes.All(node => !node.Epochs.ContainsKey(rank)));

    /// <summary>Nodes with ranks, in order.</summary>
    public IEnumerable<string> InUse => Nodes.Where(node => !node.Epochs.IsEmpty).Select(node => node.Name);

    /// <summary>Nodes with the ranks that they have, in order.</summary>
    public IEnumerable<(string Node, ImmutableArray<Rank> Ranks)> Ranked =>
        Nodes.Where(node => !node.Epochs.IsEmpty).Select(node => (node.Name, node.Epochs.Keys.Order().ToImmutableArray()));

    /// <summary>Nodes are there. May be repeated.</summary>
    public (PlacementState Next, ImmutableArray<PlacementEffect> Effects) Offer(params IReadOnlyCollection<PlacementOffer> offers)
    {
        Node[] offered =
        [
            .. offers.Where(offer => Nodes.All(known => known.Name != offer.Node)).DistinctBy(offer => offer.Node)
                .Select(offer => new Node(offer.Node, offer.Places, ImmutableDictionary<Rank, long>.Empty, [.. offer.Living])),
        ];
        return offered.Length == 0 ? (this, []) : (this with { Nodes = [.. Nodes.Concat(offered).OrderBy(each => each.Name, StringComparer.Ordinal)] }).PlaceAll();
    }

    /// <summary>A node is gone with all it had.</summary>
    public (PlacementState Next, ImmutableArray<PlacementEffect> Effects) Gone(string node)
    {
        if (Nodes.FirstOrDefault(each => each.Name == node) is not { } gone) return (this, []);
        ImmutableArray<PlacementEffect> lost =
            [.. gone.Epochs.GroupBy(rank => rank.Value).Select(group => new PlacementEffect.Lost(node, group.Key, [.. group.Select(rank => rank.Key).Order()]))];
        var (next, effects) = (this with { Nodes = Nodes.Remove(gone) }).PlaceAll();
        return (next, [.. lost, .. effects]);
    }

    /// <summary>A node is about to go: its ranks are to leave it, and are placed elsewhere when they are released.</summary>
    public (PlacementState Next, ImmutableArray<PlacementEffect> Effects) Leaving(string node)
    {
        if (Nodes.FirstOrDefault(each => each.Name == node) is not { IsLeaving: false } going) return (this, []);
        return (this with { Nodes = Nodes.Replace(going, going with { IsLeaving = true }) },
            [.. going.Epochs.GroupBy(rank => rank.Value).Select(group => new PlacementEffect.Leave(node, group.Key, [.. group.Select(rank => rank.Key).Order()]))]);
    }

    /// <summary>The run has this many ranks now; those beyond have their places until they are released.</summary>
    public (PlacementState Next, ImmutableArray<PlacementEffect> Effects) Resize(int ranks) => (this with { Ranks = ranks, Retired = [] }).PlaceAll();

    /// <summary>Ranks have ended, and their places are free: those that the run has no more, whose node is about to go, or whose workers died too often. The last are not placed again.</summary>
    public (PlacementState Next, ImmutableArray<PlacementEffect> Effects) Released(IReadOnlyCollection<Rank> ranks)
    {
        var retired = ranks.Where(rank => rank < Ranks && !Nodes.Any(node => node.IsLeaving && node.Epochs.ContainsKey(rank)));
        return (this with { Retired = Retired.Union(retired), Nodes = [.. Nodes.Select(node => node with { Epochs = node.Epochs.RemoveRange(ranks) })] }).PlaceAll();
    }

    // Of whole copies as many as there is room for, those first that lack the fewest ranks; none where the run could not go on with them.
    private Rank[] Placeable(Rank[] homeless, int room)
    {
        var copies = homeless.GroupBy(rank => rank / Copy).OrderBy(copy => copy.Count()).ThenBy(copy => copy.Key).ToArray();
        var placed = copies.TakeWhile(copy => (room -= copy.Count()) >= 0).ToArray();
        return Ranks - (copies.Length - placed.Length) * Copy >= Math.Min(Fewest, Ranks) ? [.. placed.SelectMany(copy => copy).Order()] : [];
    }

    private (PlacementState Next, ImmutableArray<PlacementEffect> Effects) PlaceAll()
    {
        Rank[] homeless = [.. Homeless];
        var free = Nodes.ToDictionary(node => node.Name, node => node.Free);
        var missing = Math.Max(0, homeless.Length - free.Values.Sum());
        ImmutableArray<PlacementEffect> waiting = missing > 0 ? [new PlacementEffect.Waiting(missing)] : [];
        if (missing > 0) homeless = Placeable(homeless, free.Values.Sum());
        if (homeless.Length == 0) return (this, waiting);
        var placed = new SortedDictionary<Rank, string>();
        foreach (var rank in homeless)
            if (Nodes.FirstOrDefault(node => node.Living.Contains(rank) && free[node.Name] > 0) is { } home) Put([rank], home.Name);
        foreach (var group in homeless.Where(rank => !placed.ContainsKey(rank)).GroupBy(rank => rank / Together))
            if (Nodes.FirstOrDefault(node => free[node.Name] >= group.Count()) is { } roomy) Put(group, roomy.Name);
        foreach (var rank in homeless.Where(rank => !placed.ContainsKey(rank))) Put([rank], Nodes.First(node => free[node.Name] > 0).Name);

        // From now on their workers are those that are started, wherever that is.
        var next = this with { Epoch = Epoch + 1, Nodes = [.. Nodes.Select(node => node with { Living = node.Living.Except(placed.Keys) })] };
        var starts = placed.GroupBy(rank => rank.Value, rank => rank.Key, StringComparer.Ordinal).OrderBy(group => group.Min())
            .Select(group => new PlacementEffect.Start(group.Key, next.Epoch, [.. group])).ToImmutableArray();
        foreach (var start in starts)
        {
            var node = next.Nodes.Single(each => each.Name == start.Node);
            next = next with { Nodes = next.Nodes.Replace(node, node with { Epochs = node.Epochs.AddRange(start.Ranks.Select(rank => KeyValuePair.Create(rank, next.Epoch))) }) };
        }
        return (next, [.. starts, .. waiting]);

        void Put(IEnumerable<Rank> ranks, string node)
        {
            foreach (var rank in ranks)
            {
                placed.Add(rank, node);
                free[node]--;
            }
        }
    }
}

/// <summary>A node that takes ranks.</summary>
/// <param name="Living">Ranks of this run whose workers are there already.</param>
public sealed record PlacementOffer(string Node, int Places, ImmutableArray<Rank> Living);
