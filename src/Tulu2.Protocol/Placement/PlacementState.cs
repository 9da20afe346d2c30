using System.Collections.Immutable;
using Tulu2.Protocol.Ids;

namespace Tulu2.Protocol.Placement;

/// <summary>
/// Which rank is on which node. Ranks are placed in order, the ranks of a tensor-parallel group on one node where one has room for them, and nothing starts
/// before there is room for all that have no place. Immutable.
/// </summary>
/// <param name="Ranks">How many the run has.</param>
/// <param name="Together">Size of a tensor-parallel group: the neighbours that talk most.</param>
public sealed record PlacementState(int Ranks, int Together)
{
    private sealed record Node(string Name, int Places, ImmutableDictionary<Rank, long> Epochs)
    {
        public int Free => Places - Epochs.Count;
    }

    private ImmutableArray<Node> Nodes { get; init; } = [];
    private long Epoch { get; init; }

    private IEnumerable<Rank> Homeless => Rank.All(Ranks).Where(rank => Nodes.All(node => !node.Epochs.ContainsKey(rank)));

    /// <summary>Nodes with ranks, in order.</summary>
    public IEnumerable<string> InUse => Nodes.Where(node => !node.Epochs.IsEmpty).Select(node => node.Name);

    /// <summary>Nodes with the ranks that they have, in order.</summary>
    public IEnumerable<(string Node, ImmutableArray<Rank> Ranks)> Ranked =>
        Nodes.Where(node => !node.Epochs.IsEmpty).Select(node => (node.Name, node.Epochs.Keys.Order().ToImmutableArray()));

    /// <summary>A node is there. May be repeated.</summary>
    public (PlacementState Next, ImmutableArray<PlacementEffect> Effects) Offer(string node, int places)
    {
        if (Nodes.Any(known => known.Name == node)) return (this, []);
        var offered = new Node(node, places, ImmutableDictionary<Rank, long>.Empty);
        return (this with { Nodes = [.. Nodes.Append(offered).OrderBy(each => each.Name, StringComparer.Ordinal)] }).PlaceAll();
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

    private (PlacementState Next, ImmutableArray<PlacementEffect> Effects) PlaceAll()
    {
        Rank[] homeless = [.. Homeless];
        if (homeless.Length == 0) return (this, []);
        var missing = homeless.Length - Nodes.Sum(node => node.Free);
        if (missing > 0) return (this, [new PlacementEffect.Waiting(missing)]);
        var free = Nodes.ToDictionary(node => node.Name, node => node.Free);
        var placed = new SortedDictionary<Rank, string>();
        foreach (var group in homeless.GroupBy(rank => rank / Together))
            if (Nodes.FirstOrDefault(node => free[node.Name] >= group.Count()) is { } roomy) Put(group, roomy.Name);
        foreach (var rank in homeless.Where(rank => !placed.ContainsKey(rank))) Put([rank], Nodes.First(node => free[node.Name] > 0).Name);

        var next = this with { Epoch = Epoch + 1 };
        var starts = placed.GroupBy(rank => rank.Value, rank => rank.Key, StringComparer.Ordinal).OrderBy(group => group.Min())
            .Select(group => new PlacementEffect.Start(group.Key, next.Epoch, [.. group])).ToImmutableArray();
        foreach (var start in starts)
        {
            var node = next.Nodes.Single(each => each.Name == start.Node);
            next = next with { Nodes = next.Nodes.Replace(node, node with { Epochs = node.Epochs.AddRange(start.Ranks.Select(rank => KeyValuePair.Create(rank, next.Epoch))) }) };
        }
        return (next, [.. starts]);

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
