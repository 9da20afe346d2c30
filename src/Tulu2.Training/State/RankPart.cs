using Tulu2.Collectives;
using Tulu2.Collectives.Layout;
using Tulu2.Models.Parameters;
using Tulu2.Training.Optimization;

namespace Tulu2.Training.State;

/// <summary>What a rank of a layout holds: a part of the model, and of that part the range that it updates. Pure arithmetic; its twins hold the same.</summary>
internal sealed class RankPart
{
    private readonly ParallelLayout _parallel;
    private readonly int _rank;

    /// <param name="model">The whole model's.</param>
    public RankPart(ModelParameters model, ParallelLayout parallel, int rank)
    {
        (_parallel, _rank) = (parallel, rank);
        Parameters = model.Of(ModelPart.Of(model.Config, parallel, rank));
        Ranges = ZeroRanges.Of(Trained, new GradientBlocks(model.Config, model.VirtualShards), parallel.Zero);
        Range = Ranges[parallel.ZeroShardOf(rank)];
        HoldsEverything = parallel is { ReplicaSize: 1, Zero: 1 };
    }

    /// <summary>Of the rank's part of the model.</summary>
    public ModelParameters Parameters { get; }
    public ParameterMap Trained => Parameters.Trained;

    /// <summary>What each of the ranks that share the optimizer state keeps, in order.</summary>
    public IReadOnlyList<ElementRange> Ranges { get; }
    public ElementRange Range { get; }

    /// <summary>The whole model with all of its optimizer state.</summary>
    public bool HoldsEverything { get; }

    /// <summary>Another rank of the layout holds exactly the same.</summary>
    public bool IsAlsoOf(int rank) => _parallel.Twins(_rank).Contains(rank);

    /// <summary>What one of the twins writes into a checkpoint.</summary>
    public IReadOnlyList<ParameterSlice> SnapshotShare(int rank)
    {
        var twins = _parallel.Twins(rank).ToList();
        return State.SnapshotShare.Of(Trained, Range, twins.IndexOf(rank), twins.Count);
    }
}
