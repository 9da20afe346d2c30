using Tulu2.Collectives;
using Tulu2.Collectives.Layout;
using Tulu2.Models.Parameters;
using Tulu2.Protocol.Ids;
using Tulu2.Training.Optimization;

namespace Tulu2.Training.State;

/// <summary>
/// The part of the model that a rank holds, and the range of it that the rank updates. Pure arithmetic; its twins, of which there may be any number, hold the same.
/// </summary>
internal sealed class RankPart
{
    private readonly int _copy;   // ranks that hold the whole state once

    /// <param name="model">Parameters of the whole model.</param>
    /// <param name="parallel">Of any number of replicas.</param>
    public RankPart(ModelParameters model, ParallelLayout parallel, int rank)
    {
        var copy = parallel.OfOneCopy();
        (_copy, Rank) = (copy.Size, new Rank(rank));
        Parameters = model.Of(ModelPart.Of(model.Config, copy, rank % _copy));
        Ranges = ZeroRanges.Of(Trained, new GradientBlocks(model.Trained), copy.Zero);
        Range = Ranges[copy.ZeroShardOf(rank % _copy)];
        HoldsEverything = _copy == 1;
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
    public bool IsAlsoOf(int rank) => rank % _copy == Rank % _copy;

    /// <summary>The slices that one of the twins writes into a checkpoint.</summary>
    /// <param name="twin">Index of the twin, from 0.</param>
    /// <param name="twins">Number of twins.</param>
    public IReadOnlyList<ParameterSlice> SnapshotShare(int twin, int twins) => State.SnapshotShare.Of(Trained, Range, twin, twins);
}
