// N tokens, I inputs, O outputs, V virtual shards on this rank.
using Tulu2.Models.Llama.Kernels;
using Tulu2.Models.Torch;
using static TorchSharp.torch;

namespace Tulu2.Models.Llama;

/// <summary>
/// A product whose output columns are cut into virtual shards. Forward and weight gradient are one full product each (an element of a product depends on
/// its inner loop alone); the input gradient sums over what is cut, so it is V products and a tree.
/// </summary>
internal sealed class ColumnLinear : IDisposable
{
    private readonly Tensor _weight_OI, _weight_IO;
    private readonly Tensor[] _shards_OI;

    public ColumnLinear(Tensor weight_OI, int shards)
    {
        _weight_OI = weight_OI.DetachFromDisposeScope();
        _weight_IO = weight_OI.t().DetachFromDisposeScope();
        var width = weight_OI.shape[0] / shards;
        _shards_OI = [.. Enumerable.Range(0, shards).Select(v => weight_OI.narrow(0, v * width, width).DetachFromDisposeScope())];
    }

    public int Outputs => (int)_weight_OI.shape[0];

    public void Forward(Tensor input_NI, Tensor output_NO) => Aten.MatMul(output_NO, input_NI, _weight_IO);

    public void InputGradient(Tensor gradient_NO, Tensor result_NI, Workspace workspace, BlockKernels kernels, IShardSum group)
    {
        if (_shards_OI.Length == 1) Aten.MatMul(result_NI, gradient_NO, _weight_OI);
        else
        {
            using var scope = NewDisposeScope();
            var mark = workspace.Mark();
            var parts_NI = new Tensor[_shards_OI.Length];
            var width = gradient_NO.shape[1] / parts_NI.Length;
            for (var v = 0; v < parts_NI.Length; v++)
            {
                // The first partial lies where the sum goes.
                parts_NI[v] = v == 0 ? result_NI : workspace.Rent(result_NI.shape);
                Aten.MatMul(parts_NI[v], gradient_NO.narrow(1, v * width, width), _shards_OI[v]);
            }
            kernels.TreeSum(parts_NI, null, result_NI);
            workspace.Release(mark);
        }
        group.Sum(result_NI);
    }

    public void Dispose()
    {
        foreach (var shard in _shards_OI) shard.Dispose();
        _weight_IO.Dispose();
        _weight_OI.Dispose();
    }
}

/// <summary>
/// A product whose inputs are cut into virtual shards: forward is V products and a tree, input and weight gradient are one full product each.
/// </summary>
internal sealed class RowLinear : IDisposable
{
    private readonly Tensor _weight_OI;
    private readonly Tensor[] _shards_IO;

    public RowLinear(Tensor weight_OI, int shards)
    {
        _weight_OI = weight_OI.DetachFromDisposeScope();
        var width = weight_OI.shape[1] / shards;
        _shards_IO = new Tensor[shards];
        for (var v = 0; v < shards; v++)
        {
            using var shard_OI = weight_OI.narrow(1, v * width, width);
            _shards_IO[v] = shard_OI.t().DetachFromDisposeScope();
        }
    }

    /// <summary>result = residual + input x weight^T.</summary>
    public void Forward(Tensor input_NI, Tensor residual_NO, Tensor result_NO, Workspace workspace, BlockKernels kernels, IShardSum group)
    {
        using var scope = NewDisposeScope();
        var mark = workspace.Mark();
        var parts_NO = new Tensor[_shards_IO.Length];
        var width = input_NI.shape[1] / parts_NO.Length;
        for (var v = 0; v < parts_NO.Length; v++)
        {
            parts_NO[v] = v == 0 ? result_NO : workspace.Rent(result_NO.shape);
            Aten.MatMul(parts_NO[v], input_NI.narrow(1, v * width, width), _shards_IO[v]);
        }
        if (group.Alone) kernels.TreeSum(parts_NO, residual_NO, result_NO);
        else
        {
            if (parts_NO.Length > 1) kernels.TreeSum(parts_NO, null, result_NO);
            group.Sum(result_NO);
            kernels.TreeSum([result_NO], residual_NO, result_NO);
        }
        workspace.Release(mark);
    }

    public void InputGradient(Tensor gradient_NO, Tensor result_NI) => Aten.MatMul(result_NI, gradient_NO, _weight_OI);

    public void Dispose()
    {
        foreach (var shard in _shards_IO) shard.Dispose();
        _weight_OI.Dispose();
    }
}

/// <summary>Weight gradients, written where they belong in the flat fp32 buffer.</summary>
internal static class WeightGradient
{
    /// <summary>target = (first) or += gradient^T x input.</summary>
    public static void Write(Tensor gradient_NO, Tensor input_NI, Tensor target_OI, bool first, Workspace workspace, BlockKernels kernels)
    {
        using var gradient_ON = gradient_NO.t();
        if (workspace.Type == ScalarType.Float32)
        {
            if (first) Aten.MatMul(target_OI, gradient_ON, input_NI);
            else Aten.MatMulAdd(target_OI, gradient_ON, input_NI);
            return;
        }
        var mark = workspace.Mark();
        using var product_OI = workspace.Rent(target_OI.shape);
        Aten.MatMul(product_OI, gradient_ON, input_NI);
        kernels.Accumulate(product_OI, target_OI, first);
        workspace.Release(mark);
    }
}
