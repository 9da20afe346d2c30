using Tulu2.Collectives;
using Tulu2.Collectives.Layout;
using Tulu2.Protocol.Ids;

namespace Tulu2.Training.Communication;

/// <summary>A rank's collectives within one generation: that of all ranks, and those of its groups in the layout.</summary>
internal sealed class RankGroups(ParallelLayout layout, Rank rank, ICollective world)
{
    public ParallelLayout Layout => layout;
    public Rank Rank => rank;
    public RankCoordinates Coordinates { get; } = layout.CoordinatesOf(rank);
    public ICollective World => world;

    /// <summary>The ranks that share this rank's matrices, in order of their tensor index.</summary>
    public ICollective Tensor { get; } = world.Group(layout.TensorGroup(rank));

    /// <summary>The ranks with the same parameters, one per replica.</summary>
    public ICollective Data { get; } = world.Group(layout.DataGroup(rank));

    /// <summary>The ranks that share one copy of this rank's optimizer state (ZeRO).</summary>
    public ICollective Zero { get; } = world.Group(layout.ZeroGroup(rank));

    /// <summary>The ranks that together hold the whole model and its optimizer state once.</summary>
    public ICollective Whole { get; } = world.Group(layout.WholeGroup(rank));

    /// <summary>The ranks that hold exactly the same state.</summary>
    public ICollective Twins { get; } = world.Group(layout.Twins(rank));

    /// <summary>The neighbouring ranks in the previous and next pipeline stage; null at the ends.</summary>
    public int? Previous { get; } = layout.Neighbour(rank, -1);
    public int? Next { get; } = layout.Neighbour(rank, 1);

    /// <summary>Whether this rank reports the figures of its replica's slots: the first tensor-parallel rank of the last stage does.</summary>
    public bool ReportsFigures => Next is null && Coordinates.Tensor == 0;
}
