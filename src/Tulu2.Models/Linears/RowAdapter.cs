// N tokens, I inputs of this rank, O outputs, R the adapters' rank, V virtual shards on this rank, W inputs of one of them.
using Tulu2.Models.Kernels;
using Tulu2.Models.Parameters;
using Tulu2.Models.Torch;
using static TorchSharp.torch;

namespace Tulu2.Models.Linears;

/// <summary>
/// The adapter of a row-parallel matrix: A [R, I] is cut like the matrix's inputs, B [O, R] is whole on every rank. The narrow side sums over the inputs: V
/// products and a tree.
/// </summary>
internal sealed class RowAdapter : LowRankAdapter
{
    private readonly Tensor _b_OR;
    private readonly Tensor _b_RO;
    private readonly Tensor[] _a_VRW;
    private readonly Tensor[] _a_VWR;
    private readonly long _width;
    private readonly int _firstShard;

    /// <param name="adapters">[length of the trained map] in the compute type.</param>
    /// <param name="firstShard">Number of this rank's first virtual shard.</param>
    public RowAdapter(AdapterSettings settings, LinearContext context, ParameterMatrix a, ParameterMatrix b, Tensor adapters, ulong layer, int firstShard)
        : base(settings, context, a, b, layer)
    {
        _b_OR = ParameterViews.Of(adapters, b).DetachFromDisposeScope();
        _b_RO = _b_OR.t().DetachFromDisposeScope();
        using var a_RI = ParameterViews.Of(adapters, a);
        (_width, _firstShard) = (a.Columns / context.Shards, firstShard);
        _a_VRW = [.. Enumerable.Range(0, context.Shards).Select(shard => a_RI.narrow(1, shard * _width, _width).DetachFromDisposeScope())];
        _a_VWR = [.. _a_VRW.Select(a_RW => a_RW.t().DetachFromDisposeScope())];
    }

    public override void AddOutput(Tensor input_NI, Tensor output_NO, Workspace workspace, AdapterPass? pass)
    {
        var narrow_NR = Narrow(input_NI, workspace, pass);
        var product_NO = workspace.Rent(output_NO.shape);
        Aten.MatMul(product_NO, narrow_NR, _b_RO);
        Kernels.AddColumns(product_NO, null, output_NO, 0);
    }

    public override void AddInputGradient(Tensor gradient_NO, Tensor inputGradient_NI, Workspace workspace, AdapterPass? pass)
    {
        var narrow_NR = NarrowGradient(gradient_NO, workspace);
        var product_NW = workspace.Rent(gradient_NO.shape[0], _width);
        for (var shard = 0; shard < _a_VRW.Length; shard++)
        {
            Aten.MatMul(product_NW, narrow_NR, _a_VRW[shard]);
            Kernels.AddColumns(product_NW, MaskOf(pass, shard), inputGradient_NI, shard * _width);
        }
    }

    public override void WriteGradients(Tensor gradient_NO, Tensor input_NI, Tensor gradient, bool first, Workspace workspace, AdapterPass? pass)
    {
        var narrow_NR = Narrow(input_NI, workspace, pass);
        Write(gradient_NO, narrow_NR, ParameterViews.Of(gradient, TrainedB), first, workspace);
        var narrowGradient_NR = NarrowGradient(gradient_NO, workspace);
        var a_RI = ParameterViews.Of(gradient, TrainedA);
        for (var shard = 0; shard < _a_VRW.Length; shard++)
        {
            var mark = workspace.Mark();
            var seen_NW = Seen(Inputs(input_NI, shard), MaskOf(pass, shard), workspace);
            Write(narrowGradient_NR, seen_NW, a_RI.narrow(1, shard * _width, _width), first, workspace);
            workspace.Release(mark);
        }
    }

    public override void Dispose()
    {
        base.Dispose();
        foreach (var view in _a_VWR.Concat(_a_VRW)) view.Dispose();
        _b_RO.Dispose();
        _b_OR.Dispose();
    }

    // scale x A^T, over all ranks.
    private Tensor Narrow(Tensor input_NI, Workspace workspace, AdapterPass? pass)
    {
        var narrow_NR = workspace.Rent(input_NI.shape[0], Rank);
        var mark = workspace.Mark();
        var parts_VNR = new Tensor[_a_VWR.Length];
        for (var shard = 0; shard < parts_VNR.Length; shard++)
        {
            parts_VNR[shard] = shard == 0 ? narrow_NR : workspace.Rent(narrow_NR.shape);
            var inner = workspace.Mark();
            Aten.MatMul(parts_VNR[shard], Seen(Inputs(input_NI, shard), MaskOf(pass, shard), workspace), _a_VWR[shard]);
            workspace.Release(inner);
        }
        if (parts_VNR.Length > 1) Kernels.TreeSum(parts_VNR, null, narrow_NR);
        workspace.Release(mark);
        Context.Group.Sum(narrow_NR);
        ScaleBy(narrow_NR);
        return narrow_NR;
    }

    // scale g B.
    private Tensor NarrowGradient(Tensor gradient_NO, Workspace workspace)
    {
        var narrow_NR = workspace.Rent(gradient_NO.shape[0], Rank);
        Aten.MatMul(narrow_NR, gradient_NO, _b_OR);
        ScaleBy(narrow_NR);
        return narrow_NR;
    }

    private Tensor Inputs(Tensor input_NI, int shard) => input_NI.narrow(1, shard * _width, _width);

    private DropoutMask? MaskOf(AdapterPass? pass, int shard) => MaskOf(pass, (_firstShard + shard) * _width);
}
