using Tulu2.Collectives;
using Tulu2.Models.Llama;
using Tulu2.Training.Optimization;
using Tulu2.Training.Slots;
using static TorchSharp.torch;

namespace Tulu2.Training.Workers;

/// <summary>What the ranks make of their slots together.</summary>
/// <param name="Figures">[slots]</param>
internal sealed record ReducedStep(double[][] Figures, double Norm, string Hash);

/// <summary>
/// Adds up the step's gradient over the replicas, as much of it as this rank updates, and measures it. Where that is everything, the sum takes the place of what
/// is held, so that any rank can redo the step alone; where it is a part, or the held sums lie on a GPU, they are kept beside it until the commit.
/// </summary>
internal sealed class StepReduction(int slots, FlatLayout part, ElementRange range, HeldGradients held, TimeSpan deadline) : IDisposable
{
    private readonly GradientBlocks _model = new(part.Config, part.VirtualShards);
    private GradientBlock[]? _blocks;
    private Tensor? _part;

    private bool IsWhole => range.Count == part.Length && !held.IsStaged;

    /// <summary>The sum over the slots, of the range, after <see cref="Reduce"/>.</summary>
    public Tensor Total => IsWhole ? held.Total : _part!;

    /// <summary>Every rank of the layout calls this.</summary>
    public ReducedStep Reduce(RankGroups groups)
    {
        var told = groups.Speaks ? SlotFigures.Write(held.Figures) : [];
        var figures = SlotFigures.Read(slots, groups.World.AllGather(told, deadline));
        var total = IsWhole ? held.Rent() : _part ??= zeros(range.Count, dtype: float32).DetachFromDisposeScope();
        try
        {
            groups.Data.TreeSum(slots, held.Partials(), range, FlatMemory.Address(total), part.Length, deadline);
        }
        catch
        {
            if (IsWhole) held.Return(total);
            throw;
        }
        if (IsWhole) held.Complete(total, figures);

        _blocks ??= [.. _model.Of(part).Where(block => block.Offset >= range.First && block.Offset < range.End)];
        var measured = groups.Whole.AllGather(GradientDigest.Measure(_blocks, FlatMemory.Address(total), range.First), deadline);
        var (norm, hash) = GradientDigest.Combine(_model, measured);
        return new ReducedStep(figures, norm, hash);
    }

    public void Dispose()
    {
        _part?.Dispose();
        _part = null;
    }
}
