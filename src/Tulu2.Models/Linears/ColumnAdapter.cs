// N tokens, I inputs and O outputs of this rank, R the adapters' rank, P adapted projections of a fused matrix, V virtual shards on this rank, W columns.
using Tulu2.Models.Parameters;
using Tulu2.Models.Torch;
using static TorchSharp.torch;

namespace Tulu2.Models.Linears;

/// <summary>
/// Adapters of a column-parallel matrix: A [P R, I] is whole on every rank, B is cut like the matrix's outputs. The gradient of the narrow side sums over the
/// outputs: V products and a tree.
/// </summary>
internal sealed class ColumnAdapter : LowRankAdapter
{
    private readonly Tensor _a_PRI;
    private readonly Tensor _a_IPR;
    private readonly List<Projection> _projections = [];

    /// <summary>One projection in one virtual shard.</summary>
    /// <param name="Shard">v, from 0.</param>
    /// <param name="Index">p, from 0.</param>
    /// <param name="Output">First of its columns in the layer's output.</param>
    /// <param name="Row">First of its rows in B.</param>
    private sealed record Projection(int Shard, int Index, long Output, long Row, Tensor B_WR, Tensor B_RW)
    {
        public long Width => B_WR.shape[0];
    }

    /// <param name="adapters">[length of the trained map] in the compute type.</param>
    /// <param name="projections">Of each projection of the matrix, in its order: rows in a virtual shard, and whether it has an adapter.</param>
    public ColumnAdapter(
        AdapterSettings settings, LinearContext context, ParameterMatrix a, ParameterMatrix b, Tensor adapters, ulong layer,
        IReadOnlyList<(long Rows, bool IsAdapted)> projections) : base(settings, context, a, b, layer)
    {
        _a_PRI = ParameterViews.Of(adapters, a).DetachFromDisposeScope();
        _a_IPR = _a_PRI.t().DetachFromDisposeScope();
        using var b_XR = ParameterViews.Of(adapters, b);
        long output = 0, row = 0;
        for (var shard = 0; shard < context.Shards; shard++)
        {
            var index = 0;
            foreach (var (rows, isAdapted) in projections)
            {
                if (isAdapted)
                {
                    var b_WR = b_XR.narrow(0, row, rows).DetachFromDisposeScope();
                    _projections.Add(new Projection(shard, index++, output, row, b_WR, b_WR.t().DetachFromDisposeScope()));
                    row += rows;
                }
                output += rows;
            }
        }
    }

    private int Count => (int)(_a_PRI.shape[0] / Rank);

    public override void AddOutput(Tensor input_NI, Tensor output_NO, Workspace workspace, AdapterPass? pass)
    {
        var narrow_NPR = Narrow(Seen(input_NI, MaskOf(pass, 0), workspace), workspace);
        foreach (var projection in _projections)
        {
            var mark = workspace.Mark();
            var product_NW = workspace.Rent(input_NI.shape[0], projection.Width);
            Aten.MatMul(product_NW, Part(narrow_NPR, projection.Index), projection.B_RW);
            Kernels.AddColumns(product_NW, null, output_NO, projection.Output);
            workspace.Release(mark);
        }
    }

    public override void AddInputGradient(Tensor gradient_NO, Tensor inputGradient_NI, Workspace workspace, AdapterPass? pass)
    {
        var narrow_NPR = NarrowGradient(gradient_NO, workspace);
        var product_NI = workspace.Rent(inputGradient_NI.shape);
        Aten.MatMul(product_NI, narrow_NPR, _a_PRI);
        Kernels.AddColumns(product_NI, MaskOf(pass, 0), inputGradient_NI, 0);
    }

    public override void WriteGradients(Tensor gradient_NO, Tensor input_NI, Tensor gradient, bool first, Workspace workspace, AdapterPass? pass)
    {
        var seen_NI = Seen(input_NI, MaskOf(pass, 0), workspace);
        var narrow_NPR = Narrow(seen_NI, workspace);
        var b_XR = ParameterViews.Of(gradient, TrainedB);
        foreach (var projection in _projections)
            Write(Columns(gradient_NO, projection), Part(narrow_NPR, projection.Index), b_XR.narrow(0, projection.Row, projection.Width), first, workspace);
        Write(NarrowGradient(gradient_NO, workspace), seen_NI, ParameterViews.Of(gradient, TrainedA), first, workspace);
    }

    public override void Dispose()
    {
        base.Dispose();
        foreach (var projection in _projections)
        {
            projection.B_RW.Dispose();
            projection.B_WR.Dispose();
        }
        _a_IPR.Dispose();
        _a_PRI.Dispose();
    }

    // scale x A^T of every projection.
    private Tensor Narrow(Tensor seen_NI, Workspace workspace)
    {
        var narrow_NPR = workspace.Rent(seen_NI.shape[0], _a_PRI.shape[0]);
        Aten.MatMul(narrow_NPR, seen_NI, _a_IPR);
        ScaleBy(narrow_NPR);
        return narrow_NPR;
    }

    // scale g B of every projection.
    private Tensor NarrowGradient(Tensor gradient_NO, Workspace workspace)
    {
        var narrow_NPR = workspace.Rent(gradient_NO.shape[0], _a_PRI.shape[0]);
        var mark = workspace.Mark();
        var parts_VNPR = new Tensor[Context.Shards];
        for (var shard = 0; shard < parts_VNPR.Length; shard++) parts_VNPR[shard] = shard == 0 ? narrow_NPR : workspace.Rent(narrow_NPR.shape);
        var product_NR = workspace.Rent(gradient_NO.shape[0], Rank);
        foreach (var projection in _projections)
        {
            var part_NR = Part(parts_VNPR[projection.Shard], projection.Index);
            // A product is written to a tensor without gaps.
            Aten.MatMul(Count == 1 ? part_NR : product_NR, Columns(gradient_NO, projection), projection.B_WR);
            if (Count > 1) part_NR.copy_(product_NR);
        }
        if (parts_VNPR.Length > 1) Kernels.TreeSum(parts_VNPR, null, narrow_NPR);
        workspace.Release(mark);
        Context.Group.Sum(narrow_NPR);
        ScaleBy(narrow_NPR);
        return narrow_NPR;
    }

    private Tensor Part(Tensor narrow_NPR, int index) => Count == 1 ? narrow_NPR : narrow_NPR.narrow(1, (long)index * Rank, Rank);

    private static Tensor Columns(Tensor gradient_NO, Projection projection) => gradient_NO.narrow(1, projection.Output, projection.Width);
}
