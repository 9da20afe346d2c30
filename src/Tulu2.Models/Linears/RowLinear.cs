// N tokens, I inputs of this rank, O outputs, V virtual shards on this rank.
using Tulu2.Models.Torch;
using static TorchSharp.torch;

namespace Tulu2.Models.Linears;

/// <summary>
/// A row-parallel linear: its inputs are cut into virtual shards. Forward is V products and a tree, input and weight gradient are one full product each.
/// A bias is added once, after the tree.
/// </summary>
internal sealed class RowLinear : ILinear
{
    private readonly LinearWeights _weights;
    private readonly LinearContext _context;
    private readonly Tensor[] _shards_IO;

    public RowLinear(LinearWeights weights, LinearContext context)
    {
        (_weights, _context) = (weights, context);
        var width = weights.Weight_OI.shape[1] / context.Shards;
        _shards_IO = new Tensor[context.Shards];
        for (var v = 0; v < _shards_IO.Length; v++)
        {
            using var shard_OI = weights.Weight_OI.narrow(1, v * width, width);
            _shards_IO[v] = shard_OI.t().DetachFromDisposeScope();
        }
    }

    public int Outputs => (int)_weights.Weight_OI.shape[0];

    public void Forward(Tensor input_NI, Tensor? residual_NO, Tensor output_NO, Workspace workspace, AdapterPass? pass = null)
    {
        using var scope = NewDisposeScope();
        var mark = workspace.Mark();
        var parts_NO = new Tensor[_shards_IO.Length];
        var width = input_NI.shape[1] / parts_NO.Length;
        for (var v = 0; v < parts_NO.Length; v++)
        {
            parts_NO[v] = v == 0 ? output_NO : workspace.Rent(output_NO.shape);
            Aten.MatMul(parts_NO[v], input_NI.narrow(1, v * width, width), _shards_IO[v]);
        }
        // The kernel that sums also adds the residual, where nothing comes between.
        var isWhole = _context.Group.Alone && _weights.Bias_O is null;
        if (isWhole) _context.Kernels.TreeSum(parts_NO, residual_NO, output_NO);
        else
        {
            if (parts_NO.Length > 1) _context.Kernels.TreeSum(parts_NO, null, output_NO);
            _context.Group.Sum(output_NO);
            if (_weights.Bias_O is { } bias_O) _context.Kernels.AddBias(output_NO, bias_O);
            if (residual_NO is not null) _context.Kernels.TreeSum([output_NO], residual_NO, output_NO);
        }
        workspace.Release(mark);
    }

    public void InputGradient(Tensor gradient_NO, Tensor inputGradient_NI, Workspace workspace, AdapterPass? pass = null) =>
        Aten.MatMul(inputGradient_NI, gradient_NO, _weights.Weight_OI);

    public void WeightGradient(Tensor gradient_NO, Tensor input_NI, Tensor gradient, bool first, Workspace workspace, AdapterPass? pass = null) =>
        _weights.WriteGradients(gradient_NO, input_NI, gradient, first, workspace, _context.Kernels);

    public void Dispose()
    {
        foreach (var shard in _shards_IO) shard.Dispose();
        _weights.Dispose();
    }
}
