using System.Diagnostics;
using Tulu2.Collectives;
using Tulu2.Collectives.Layout;
using Tulu2.Models.Torch;
using Tulu2.Training.Optimization;
using static TorchSharp.torch;

namespace Tulu2.Training.Communication;

/// <summary>Sums over virtual shards, and gathers of rows, across the tensor-parallel ranks, over the collective of the current generation.</summary>
internal sealed class TensorGroupSum(TimeSpan deadline, StepClock clock) : IShardSum
{
    /// <summary>The tensor group's collective in the current generation.</summary>
    public ICollective? Group { get; set; }

    /// <summary>Sums tensors on a GPU in the current generation; null: they are copied through host memory.</summary>
    public IShardSum? OnDevice { get; set; }

    public bool Alone => false;

    public void Sum(Tensor partial) => Timed(partial, ReduceOperation.Sum);

    public void Max(Tensor partial) => Timed(partial, ReduceOperation.Max);

    public void GatherRows(Tensor rows)
    {
        var start = Stopwatch.GetTimestamp();
        Gather(rows);
        clock.SummedTensors(Stopwatch.GetElapsedTime(start));
    }

    private ICollective Here => Group ?? throw new InvalidOperationException("a sum over ranks outside a generation");

    private void Timed(Tensor partial, ReduceOperation operation)
    {
        var start = Stopwatch.GetTimestamp();
        Reduce(partial, operation);
        clock.SummedTensors(Stopwatch.GetElapsedTime(start));
    }

    private void Reduce(Tensor partial, ReduceOperation operation)
    {
        var group = Here;
        var type = partial.dtype switch
        {
            ScalarType.Float32 => ElementType.Float32,
            ScalarType.BFloat16 => ElementType.BFloat16,
            var other => throw new ArgumentException($"partial: sums over ranks are not made in {other}", nameof(partial)),
        };
        if (partial.is_contiguous() && partial.device.type == TorchSharp.DeviceType.CPU)
        {
            group.AllReduce(FlatMemory.Address(partial), partial.numel(), type, operation, deadline);
            return;
        }
        if (OnDevice is { } device && partial.device.type != TorchSharp.DeviceType.CPU)
        {
            if (operation == ReduceOperation.Sum) device.Sum(partial);
            else device.Max(partial);
            return;
        }
        using var scope = NewDisposeScope();
        var host = partial.cpu().contiguous();
        group.AllReduce(FlatMemory.Address(host), host.numel(), type, operation, deadline);
        partial.copy_(host);
    }

    private void Gather(Tensor rows)
    {
        var group = Here;
        if (rows.device.type == TorchSharp.DeviceType.CPU)
        {
            group.AllGather(FlatMemory.Address(rows), Parts(rows, group.Size), deadline);
            return;
        }
        if (OnDevice is { } device)
        {
            device.GatherRows(rows);
            return;
        }
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var host = empty(rows.shape, dtype: rows.dtype);
        var (first, count) = RowShares.Of(rows.shape[0], group.Rank, group.Size);
        host.narrow(0, first, count).copy_(rows.narrow(0, first, count));
        group.AllGather(FlatMemory.Address(host), Parts(rows, group.Size), deadline);
        rows.copy_(host);
    }

    // The byte range of each rank's rows.
    private static IReadOnlyList<ElementRange> Parts(Tensor rows, int ranks) =>
        RowShares.All(rows.shape[0], rows.element_size() * rows.numel() / Math.Max(1, rows.shape[0]), ranks);
}
