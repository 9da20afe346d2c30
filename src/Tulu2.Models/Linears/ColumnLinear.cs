// N tokens, I inputs, O outputs of this rank, V virtual shards on this rank.
using Tulu2.Models.Torch;
using static TorchSharp.torch;

namespace Tulu2.Models.Linears;

/// <summary>
/// A column-parallel linear: its outputs are cut into virtual shards. Forward and weight gradient are one full product each (an element of a product depends on
/// its inner loop alone); the input gradient sums over what is cut, so it is V products and a tree.
/// </summary>
internal sealed class ColumnLinear : ILinear
{
    private readonly LinearWeights _weights;
    private readonly LinearContext _context;
    private readonly Tensor _weight_IO;
    private readonly Tensor[] _shards_OI;

    public ColumnLinear(LinearWeights weights, LinearContext context)
    {
        (_weights, _context) = (weights, context);
        _weight_IO = weights.Weight_OI.t().DetachFromDisposeScope();
        var width = weights.Weight_OI.shape[0] / context.Shards;
        _shards_OI = [.. Enumerable.Range(0, context.Shards).Select(v => weights.Weight_OI.narrow(0, v * width, width).DetachFromDisposeScope())];
    }

    public int Outputs => (int)_weights.Weight_OI.shape[0];

    public void Forward(Tensor input_NI, Tensor? residual_NO, Tensor output_NO, Workspace workspace, AdapterPass? pass = null)
    {
        Aten.MatMul(output_NO, input_NI, _weight_IO);
        if (_weights.Bias_O is { } bias_O) _context.Kernels.AddBias(output_NO, bias_O);
        if (residual_NO is not null) _context.Kernels.TreeSum([output_NO], residual_NO, output_NO);
    }

    public void InputGradient(Tensor gradient_NO, Tensor inputGradient_NI, Workspace workspace, AdapterPass? pass = null)
    {
        if (_shards_OI.Length == 1) Aten.MatMul(inputGradient_NI, gradient_NO, _weights.Weight_OI);
        else
        {
            using var scope = NewDisposeScope();
            var mark = workspace.Mark();
            var parts_NI = new Tensor[_shards_OI.Length];
            var width = gradient_NO.shape[1] / parts_NI.Length;
            for (var v = 0; v < parts_NI.Length; v++)
            {
                // The first partial lies where the sum goes.
                parts_NI[v] = v == 0 ? inputGradient_NI : workspace.Rent(inputGradient_NI.shape);
                Aten.MatMul(parts_NI[v], gradient_NO.narrow(1, v * width, width), _shards_OI[v]);
            }
            _context.Kernels.TreeSum(parts_NI, null, inputGradient_NI);
            workspace.Release(mark);
        }
        _context.Group.Sum(inputGradient_NI);
    }

    public void WeightGradient(Tensor gradient_NO, Tensor input_NI, Tensor gradient, bool first, Workspace workspace, AdapterPass? pass = null) =>
        _weights.WriteGradients(gradient_NO, input_NI, gradient, first, workspace, _context.Kernels);

    public void Dispose()
    {
        foreach (var shard in _shards_OI) shard.Dispose();
        _weight_IO.Dispose();
        _weights.Dispose();
    }
}
