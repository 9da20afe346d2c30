using Tulu2.Collectives;
using Tulu2.Collectives.Layout;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;

namespace Tulu2.Training.Communication;

/// <summary>A rank's collectives within one generation: that of all ranks, and those of its groups in the layout.</summary>
internal sealed class RankGroups
{
    private readonly Roster _roster;

    /// <param name="world">The collective of all ranks that take part, each at its place.</param>
    public RankGroups(Roster roster, Rank rank, ICollective world)
    {
        (_roster, Rank, World) = (roster, rank, world);
        var (layout, place) = (roster.Layout, roster.PlaceOf(rank));
        Coordinates = layout.CoordinatesOf(place);
        Tensor = world.Group(layout.TensorGroup(place));
        Data = world.Group(layout.DataGroup(place));
        Zero = world.Group(layout.ZeroGroup(place));
        Whole = world.Group(layout.WholeGroup(place));
        Twins = world.Group(layout.Twins(place));
        TwinRanks = roster.Twins(rank);
        (Previous, Next) = (layout.Neighbour(place, -1), layout.Neighbour(place, 1));
    }

    /// <summary>The layout of the ranks that take part.</summary>
    public ParallelLayout Layout => _roster.Layout;

    public Rank Rank { get; }

    /// <summary>Within <see cref="Layout"/>.</summary>
    public RankCoordinates Coordinates { get; }
    public ICollective World { get; }

    /// <summary>The ranks that share this rank's matrices, in order of their tensor index.</summary>
    public ICollective Tensor { get; }

    /// <summary>The ranks with the same parameters, one per replica.</summary>
    public ICollective Data { get; }

    /// <summary>The ranks that share one copy of this rank's optimizer state (ZeRO).</summary>
    public ICollective Zero { get; }

    /// <summary>The ranks that together hold the whole model and its optimizer state once.</summary>
    public ICollective Whole { get; }

    /// <summary>The ranks that hold exactly the same state.</summary>
    public ICollective Twins { get; }

    /// <summary>In the order of <see cref="Twins"/>.</summary>
    public IReadOnlyList<Rank> TwinRanks { get; }

    /// <summary>The places of the neighbours in the previous and next pipeline stage; null at the ends.</summary>
    public int? Previous { get; }
    public int? Next { get; }

    /// <summary>Whether this rank reports the figures of its replica's slots: the first tensor-parallel rank of the last stage does.</summary>
    public bool ReportsFigures => Next is null && Coordinates.Tensor == 0;

    /// <summary>The place of another rank in <see cref="World"/>.</summary>
    public int PlaceOf(Rank rank) => _roster.PlaceOf(rank);
}
