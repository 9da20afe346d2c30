using System.Collections.Immutable;
using Tulu2.Protocol.Ids;

namespace Tulu2.Protocol.Placement;

/// <summary>What follows from a change among the nodes.</summary>
public abstract record PlacementEffect
{
    private PlacementEffect() { }

    /// <summary>The node is to start workers for these ranks.</summary>
    /// <param name="Epoch">Grows with each start, so that a rank's later worker is told from its earlier ones.</param>
    public sealed record Start(string Node, long Epoch, ImmutableArray<Rank> Ranks) : PlacementEffect;

    /// <summary>These ranks have no worker any more.</summary>
    public sealed record Lost(string Node, long Epoch, ImmutableArray<Rank> Ranks) : PlacementEffect;

    /// <summary>These ranks are to leave their node at the end of the step under way.</summary>
    public sealed record Leave(string Node, long Epoch, ImmutableArray<Rank> Ranks) : PlacementEffect;

    /// <summary>There are not enough places.</summary>
    public sealed record Waiting(int Missing) : PlacementEffect;
}
