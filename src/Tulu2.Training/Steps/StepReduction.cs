using System.Runtime.ExceptionServices;
using Tulu2.Collectives;
using Tulu2.Models.Parameters;
using Tulu2.Training.Communication;
using Tulu2.Training.Optimization;
using static TorchSharp.torch;

namespace Tulu2.Training.Steps;

/// <summary>The result of a step's reduction.</summary>
/// <param name="Figures">[slots] figures of each slot.</param>
/// <param name="Norm">L2 norm of the whole model's gradient.</param>
/// <param name="Hash">Hash of the whole model's gradient.</param>
/// <param name="Overlapped">Reduction time that overlapped with this rank's computation.</param>
/// <param name="Broken">Slots whose gradients are not finite on some rank, where the ranks look at each.</param>
internal sealed record ReducedStep(double[][] Figures, double Norm, string Hash, TimeSpan Overlapped, IReadOnlySet<int> Broken);

/// <summary>
/// Reduces the step's gradient over the replicas, for the range that this rank updates, and computes norm and hash. If the range is the whole part, the sum
/// replaces the held gradients, so that any rank can redo the step alone; with ZeRO, or if the held gradients are on a GPU, both are kept until the commit.
/// With <paramref name="overlap"/> the reduction starts on a second thread during the backward pass of the rank's last slot. It reads only finished elements
/// and does not write the held sums, so these stay intact whichever of the two fails.
/// </summary>
/// <param name="pieces">Pieces of the part, as <see cref="GradientPieces"/> cuts it.</param>
/// <param name="atPiece">Called on the reducing thread before each piece, with its index.</param>
internal sealed class StepReduction(
    int slots, ParameterMap part, ElementRange range, HeldGradients held, TimeSpan deadline, bool overlap, IReadOnlyList<ElementRange> pieces, BackgroundThread thread, Action<int>? atPiece)
    : IDisposable
{
    private static readonly Dictionary<int, double[]> NoFigures = [];

    private readonly GradientBlocks _model = new(part);
    private GradientBlock[]? _blocks;
    private Tensor? _part;
    private (GradientStream Stream, Tensor Total)? _current;

    private bool IsWhole => range.Count == part.Length && !held.IsOnDevice;

    /// <summary>[range.Count] fp32: the gradient summed over all slots, after <see cref="Reduce"/>.</summary>
    public Tensor Total => IsWhole ? held.Total : _part!;

    /// <summary>Whether the last slot's gradient is reduced piece by piece during its backward pass; the same on all ranks of a data group.</summary>
    public bool Streams(RankGroups groups) => overlap && !held.IsOnDevice && groups.Data.Size > 1;

    /// <summary>Starts to reduce the held gradients together with the gradient of the rank's last slot, which is yet to be computed.</summary>
    /// <returns>
    /// To be called with an element whenever the gradient is final from that element on; rethrows a failure of the reduction unless it was aborted.
    /// </returns>
    public Action<long> Begin(RankGroups groups, int slot, Tensor gradient)
    {
        var last = new PartialSum(new SlotRange(slot, 1), FlatMemory.Address(gradient), part.Length);
        var stream = Make(groups, [.. held.Partials().Append(last).OrderBy(partial => partial.Range.First)]);
        thread.Start(stream.Run);
        return from =>
        {
            // An abort is rethrown only in Reduce, after the pass, so that this slot's gradient is not lost.
            if (thread.Fault is { } fault and not CollectiveAbortedException) ExceptionDispatchInfo.Throw(fault);
            stream.Ready(from);
        };
    }

    /// <summary>Completes the reduction. Every rank of the layout calls this once it holds all of its slots.</summary>
    public ReducedStep Reduce(RankGroups groups)
    {
        var overlapped = TimeSpan.Zero;
        if (_current is { Stream: var begun })
        {
            overlapped = begun.Busy;
            if (thread.Join() is { } fault) ExceptionDispatchInfo.Throw(fault);
        }
        else
        {
            begun = Make(groups, held.Partials());
            begun.Ready(0);
            begun.Run();
        }
        // Only now: the data group may consist of all ranks, and a group runs one call at a time.
        var own = SlotFigures.Write(groups.ReportsFigures ? held.Figures : NoFigures, held.Broken);
        var (figures, broken) = SlotFigures.ReadWithBroken(slots, groups.World.AllGather(own, deadline));
        if (IsWhole) held.Complete(_current!.Value.Total, figures, broken);
        _current = null;
        var (norm, hash) = GradientDigest.Combine(_model, groups.Whole.AllGather(begun.Measured, deadline));
        return new ReducedStep(figures, norm, hash, overlapped, broken);
    }

    /// <summary>Abandons a reduction in progress, if there is one. Waits for its collective call, so the generation must be over.</summary>
    /// <exception cref="Exception">The failure of the reduction, unless it was aborted.</exception>
    public void Drop()
    {
        var fault = End();
        held.Settle();
        if (fault is not null and not CollectiveAbortedException) ExceptionDispatchInfo.Throw(fault);
    }

    public void Dispose()
    {
        End();
        thread.Dispose();
        _part?.Dispose();
        _part = null;
    }

    private Exception? End()
    {
        if (_current is not var (stream, total)) return null;
        stream.Cancel();
        var fault = thread.Join();
        if (IsWhole) held.Return(total);
        _current = null;
        return fault;
    }

    private GradientStream Make(RankGroups groups, IReadOnlyList<PartialSum> partials)
    {
        if (_current is not null) throw new InvalidOperationException("a reduction is in progress");
        _blocks ??= [.. _model.Of(part).Where(block => block.Offset >= range.First && block.Offset < range.End)];
        var total = IsWhole ? held.Rent() : _part ??= zeros(range.Count, dtype: float32).DetachFromDisposeScope();
        var stream = new GradientStream(
            groups.Data, slots, partials, Streams(groups) ? pieces : [new ElementRange(0, part.Length)], range, FlatMemory.Address(total), _blocks, deadline, atPiece);
        _current = (stream, total);
        return stream;
    }
}
