using Tulu2.Collectives;
using Tulu2.Collectives.Layout;

namespace Tulu2.Training.Communication;

/// <summary>A rank's collectives within one generation: that of all ranks, and those of its groups in the layout.</summary>
internal sealed class RankGroups(ParallelLayout layout, int rank, ICollective world)
{
    public ParallelLayout Layout => layout;
    public int Rank => rank;
    public RankCoordinates Coordinates { get; } = layout.CoordinatesOf(rank);
    public ICollective World => world;

    /// <summary>Those that share its matrices.</summary>
    public ICollective Tensor { get; } = world.Group(layout.TensorGroup(rank));

    /// <summary>Those with the same parameters.</summary>
    public ICollective Data { get; } = world.Group(layout.DataGroup(rank));

    /// <summary>Those that share one copy of the same optimizer state.</summary>
    public ICollective Zero { get; } = world.Group(layout.ZeroGroup(rank));

    /// <summary>Those that together hold everything once.</summary>
    public ICollective Whole { get; } = world.Group(layout.WholeGroup(rank));

    /// <summary>Those that hold exactly the same.</summary>
    public ICollective Twins { get; } = world.Group(layout.Twins(rank));

    /// <summary>The stages before and after, by their numbers in the generation; null at the ends.</summary>
    public int? Previous { get; } = layout.Neighbour(rank, -1);
    public int? Next { get; } = layout.Neighbour(rank, 1);

    /// <summary>Of the ranks that see the same figures of a slot this is the one that tells them.</summary>
    public bool Speaks => Next is null && Coordinates.Tensor == 0;
}
