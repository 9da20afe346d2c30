using Tulu2.Collectives;
using Tulu2.Collectives.Layout;
using Tulu2.Models.Parameters;
using Tulu2.Protocol.Ids;
using Tulu2.Training.Optimization;

namespace Tulu2.Training.State;

/// <summary>The part of the model that a rank of a layout holds, and the range of it that the rank updates. Pure arithmetic; its twins hold the same.</summary>
internal sealed class RankPart
{
    private readonly ParallelLayout _parallel;

    /// <param name="model">Parameters of the whole model.</param>
    public RankPart(ModelParameters model, ParallelLayout parallel, int rank)
    {
        (_parallel, Rank) = (parallel, new Rank(rank));
        Parameters = model.Of(ModelPart.Of(model.Config, parallel, rank));
        Ranges = ZeroRanges.Of(Trained, new GradientBlocks(model.Trained), parallel.Zero);
        Range = Ranges[parallel.ZeroShardOf(rank)];
        HoldsEverything = parallel is { ReplicaSize: 1, Zero: 1 };
    }

    /// <summary>The rank; its twins have the same part.</summary>
    public Rank Rank { get; }

    /// <summary>Parameters of the rank's part of the model.</summary>
    public ModelParameters Parameters { get; }
    public ParameterMap Trained => Parameters.Trained;

    /// <summary>The range that each rank of the ZeRO group updates, in order; together they cover the part.</summary>
    public IReadOnlyList<ElementRange> Ranges { get; }
    /// <summary>The range that this rank updates.</summary>
    public ElementRange Range { get; }

    /// <summary>True where the rank holds the whole model and all of its optimizer state.</summary>
    public bool HoldsEverything { get; }

    /// <summary>Whether <paramref name="rank"/> holds exactly the same part and range.</summary>
    public bool IsAlsoOf(int rank) => _parallel.Twins(Rank).Contains(rank);

    /// <summary>The slices that <paramref name="rank"/>, one of the twins, writes into a checkpoint.</summary>
    public IReadOnlyList<ParameterSlice> SnapshotShare(int rank)
    {
        var twins = _parallel.Twins(rank).ToList();
        return State.SnapshotShare.Of(Trained, Range, twins.IndexOf(rank), twins.Count);
    }
}
