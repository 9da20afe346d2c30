using System.Runtime.ExceptionServices;
using Tulu2.Collectives;
using Tulu2.Models.Parameters;
using Tulu2.Training.Communication;
using Tulu2.Training.Optimization;
using static TorchSharp.torch;

namespace Tulu2.Training.Steps;

/// <summary>What the ranks make of their slots together.</summary>
/// <param name="Figures">[slots]</param>
/// <param name="Beside">How long its sums were under way before this rank waited for them.</param>
internal sealed record ReducedStep(double[][] Figures, double Norm, string Hash, TimeSpan Beside);

/// <summary>
/// Adds up the step's gradient over the replicas, as much of it as this rank updates, and measures it. Where that is everything, the sum takes the place of what
/// is held, so that any rank can redo the step alone; where it is a part, or the held sums lie on a GPU, they are kept beside it until the commit.
/// With <paramref name="overlap"/> the sum begins in the backward pass of the rank's last slot, on a thread of its own: what that pass has not finished is not read,
/// and what is held is not written, so that whatever ends the one or the other, held sums stay what they were.
/// </summary>
/// <param name="pieces">Of the part, as <see cref="GradientPieces"/> cuts it.</param>
/// <param name="atPiece">Called on the thread that adds up, before each piece.</param>
internal sealed class StepReduction(
    int slots, ParameterMap part, ElementRange range, HeldGradients held, TimeSpan deadline, bool overlap, IReadOnlyList<ElementRange> pieces, BackgroundThread thread, Action<int>? atPiece)
    : IDisposable
{
    private readonly GradientBlocks _model = new(part.Config, part.VirtualShards);
    private GradientBlock[]? _blocks;
    private Tensor? _part;
    private (GradientStream Stream, Tensor Total)? _current;

    private bool IsWhole => range.Count == part.Length && !held.IsStaged;

    /// <summary>The sum over the slots, of the range, after <see cref="Reduce"/>.</summary>
    public Tensor Total => IsWhole ? held.Total : _part!;

    /// <summary>A last slot's gradient is to be given piece by piece. The same on all ranks that hold the same.</summary>
    public bool Streams(RankGroups groups) => overlap && !held.IsStaged && groups.Data.Size > 1;

    /// <summary>Begins to add up what is held together with the gradient of the rank's last slot, which is yet to be computed.</summary>
    /// <returns>To be called whenever more of it is final: with the first element from which on everything is. Throws what the sum has failed with.</returns>
    public Action<long> Begin(RankGroups groups, int slot, Tensor gradient)
    {
        var last = new PartialSum(new SlotRange(slot, 1), FlatMemory.Address(gradient), part.Length);
        var stream = Make(groups, [.. held.Partials().Append(last).OrderBy(partial => partial.Range.First)]);
        thread.Start(stream.Run);
        return from =>
        {
            // An abort is met where all have computed; what was computed by then is kept.
            if (thread.Fault is { } fault and not CollectiveAbortedException) ExceptionDispatchInfo.Throw(fault);
            stream.Ready(from);
        };
    }

    /// <summary>Every rank of the layout calls this, with all its slots held.</summary>
    public ReducedStep Reduce(RankGroups groups)
    {
        var beside = TimeSpan.Zero;
        if (_current is { Stream: var begun })
        {
            beside = begun.Busy;
            if (thread.Join() is { } fault) ExceptionDispatchInfo.Throw(fault);
        }
        else
        {
            begun = Make(groups, held.Partials());
            begun.Ready(0);
            begun.Run();
        }
        // Not before: the ranks of a group may be all ranks, and a group makes one call at a time.
        var told = groups.Speaks ? SlotFigures.Write(held.Figures) : [];
        var figures = SlotFigures.Read(slots, groups.World.AllGather(told, deadline));
        if (IsWhole) held.Complete(_current!.Value.Total, figures);
        _current = null;
        var (norm, hash) = GradientDigest.Combine(_model, groups.Whole.AllGather(begun.Measured, deadline));
        return new ReducedStep(figures, norm, hash, beside);
    }

    /// <summary>Gives up a sum under way, if there is one. Ends only when its call has, so the generation has to be over.</summary>
    /// <exception cref="Exception">What the sum had failed with by itself.</exception>
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
        if (_current is not null) throw new InvalidOperationException("a sum is under way");
        _blocks ??= [.. _model.Of(part).Where(block => block.Offset >= range.First && block.Offset < range.End)];
        var total = IsWhole ? held.Rent() : _part ??= zeros(range.Count, dtype: float32).DetachFromDisposeScope();
        var stream = new GradientStream(
            groups.Data, slots, partials, Streams(groups) ? pieces : [new ElementRange(0, part.Length)], range, FlatMemory.Address(total), _blocks, deadline, atPiece);
        _current = (stream, total);
        return stream;
    }
}
