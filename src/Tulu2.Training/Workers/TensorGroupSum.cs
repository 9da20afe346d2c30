using System.Diagnostics;
using Tulu2.Collectives;
using Tulu2.Models.Torch;
using Tulu2.Training.Optimization;
using static TorchSharp.torch;

namespace Tulu2.Training.Workers;

/// <summary>Sums over virtual shards across the ranks that share a model's matrices, over the collective of the generation that is on.</summary>
internal sealed class TensorGroupSum(TimeSpan deadline, StepClock clock) : IShardSum
{
    /// <summary>The ranks in order of their tensor place, in this generation.</summary>
    public ICollective? Group { get; set; }

    /// <summary>Sums what lies on a GPU, in this generation; null: that goes over host memory.</summary>
    public IShardSum? OnDevice { get; set; }

    public bool Alone => false;

    public void Sum(Tensor partial) => Timed(partial, ReduceOperation.Sum);

    public void Max(Tensor partial) => Timed(partial, ReduceOperation.Max);

    private void Timed(Tensor partial, ReduceOperation operation)
    {
        var start = Stopwatch.GetTimestamp();
        Reduce(partial, operation);
        clock.SummedTensors(Stopwatch.GetElapsedTime(start));
    }

    private void Reduce(Tensor partial, ReduceOperation operation)
    {
        var group = Group ?? throw new InvalidOperationException("a sum over ranks outside of any generation");
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
}
