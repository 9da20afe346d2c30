using System.Collections.Immutable;
using Tulu2.Protocol.Ids;

namespace Tulu2.Protocol.GradientSync;

/// <summary>Chooses who keeps the standby copy of whose state. Pure arithmetic.</summary>
internal static class StandbyKeepers
{
    /// <summary>
    /// The keeper of each rank, never the rank itself: on another node where there is one with room, so that no node is lost together with the copies of its ranks.
    /// Copies that exist stay where they are, unless that would leave more of them on the node of their rank than must be.
    /// </summary>
    /// <param name="nodes">By rank: its node. At least two.</param>
    /// <param name="held">By rank: whose copy it has; null: none.</param>
    /// <param name="inUse">Ranks whose lost state is about to be restored from their copies: these stay where they are.</param>
    public static ImmutableArray<Rank> Of(IReadOnlyList<string> nodes, IReadOnlyList<Rank?> held, IReadOnlyCollection<Rank> inUse)
    {
        // The fewer copies move the better: all stay, or those on the node of their rank move, or all.
        Rank?[] Staying(Func<int, Rank, bool> stays) => [.. held.Select((of, keeper) => of is { } rank && (inUse.Contains(rank) || stays(keeper, rank)) ? of : null)];
        ImmutableArray<Rank>?[] choices =
            [Complete(nodes, held), Complete(nodes, Staying((keeper, rank) => nodes[keeper] != nodes[rank])), Complete(nodes, Staying((_, _) => false))];
        return choices.OfType<ImmutableArray<Rank>>().Append(Best(nodes)).MaxBy(choice => inUse.All(rank => held[choice[rank]] == rank) ? Apart(nodes, choice) : -1);
    }

    /// <summary>As many ranks as can be have their copies on other nodes.</summary>
    public static bool AreApart(IReadOnlyList<string> nodes, ImmutableArray<Rank> keepers)
    {
        var apart = Apart(nodes, keepers);
        return apart == nodes.Count || nodes.Distinct().Count() == 1 || apart >= Apart(nodes, Best(nodes));
    }

    private static ImmutableArray<Rank> Best(IReadOnlyList<string> nodes) => Complete(nodes, new Rank?[nodes.Count])!.Value;

    // The copies that exist, and the best rotation of those that do not; null where only a rank itself would be left to keep its copy.
    private static ImmutableArray<Rank>? Complete(IReadOnlyList<string> nodes, IReadOnlyList<Rank?> held)
    {
        var keepers = new int[nodes.Count];
        Array.Fill(keepers, -1);
        var free = new List<int>();
        for (var keeper = 0; keeper < nodes.Count; keeper++)
        {
            if (held[keeper] is { } of && keepers[of] < 0) keepers[of] = keeper;
            else free.Add(keeper);
        }
        // By node: a rotation by the ranks of the largest node then leaves no rank with a keeper on its own node, where that can be.
        int[] ByNode(IEnumerable<int> ranks) => [.. ranks.OrderBy(rank => nodes[rank], StringComparer.Ordinal).ThenBy(rank => rank)];
        int[] without = ByNode(Enumerable.Range(0, nodes.Count).Where(rank => keepers[rank] < 0)), left = ByNode(free);
        var (best, bestApart) = (-1, -1);
        for (var shift = 0; shift < left.Length; shift++)
        {
            var apart = 0;
            for (var index = 0; index < left.Length && apart >= 0; index++)
            {
                var keeper = left[(index + shift) % left.Length];
                if (keeper == without[index]) apart = -1;
                else if (nodes[keeper] != nodes[without[index]]) apart++;
            }
            if (apart > bestApart) (best, bestApart) = (shift, apart);
        }
        if (best < 0 && left.Length > 0) return null;
        for (var index = 0; index < left.Length; index++) keepers[without[index]] = left[(index + best) % left.Length];
        return [.. keepers.Select(keeper => new Rank(keeper))];
    }

    private static int Apart(IReadOnlyList<string> nodes, ImmutableArray<Rank> keepers) =>
        Enumerable.Range(0, nodes.Count).Count(rank => nodes[rank] != nodes[keepers[rank]]);
}
