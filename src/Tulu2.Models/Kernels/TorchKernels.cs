using TorchSharp;
using Tulu2.Models.Torch;
using static TorchSharp.torch;

namespace Tulu2.Models.Kernels;

/// <summary>The same in chains of tensor operations, for tensors that are not in host memory. See <see cref="BlockKernels"/> for shapes.</summary>
internal sealed partial class TorchKernels(HeadGeometry heads, RotaryTable rotary) : BlockKernels(heads, rotary)
{
    private readonly Scalar _scale = heads.Scale.ToScalar();

    public override void GatherRows(Tensor table_XD, int[] rows, Tensor result_ND)
    {
        using var scope = NewDisposeScope();
        result_ND.zero_();
        if (rows.Length > 0) result_ND.narrow(0, 0, rows.Length).copy_(table_XD.index_select(0, Index(rows, table_XD.device)));
    }

    public override void GatherEmbeddings(Tensor table_XD, int[] ids, int firstId, Tensor result_ND)
    {
        using var scope = NewDisposeScope();
        var (indices, rows) = Owned(ids, firstId, table_XD.shape[0]);
        result_ND.zero_();
        if (rows.Length > 0) result_ND.index_copy_(0, Index(indices, table_XD.device), table_XD.index_select(0, Index(rows, table_XD.device)).Plus(HeldScalars.Zero));
    }

    public override void ScatterAddRows(Tensor values_ND, int[] rows, int firstRow, Tensor target_XD)
    {
        using var scope = NewDisposeScope();
        var (indices, targets) = Owned(rows, firstRow, target_XD.shape[0]);
        if (indices.Length == 0) return;
        var values = values_ND.index_select(0, Index(indices, values_ND.device));
        target_XD.index_add_(0, Index(targets, target_XD.device), values.to_type(target_XD.dtype), HeldScalars.One);
    }

    /// <summary>Which of the rows are among <paramref name="count"/> rows from <paramref name="first"/> on, and where.</summary>
    private static (int[] Indices, int[] Rows) Owned(int[] rows, int first, long count)
    {
        int[] indices = [.. Enumerable.Range(0, rows.Length).Where(i => rows[i] >= first && rows[i] - first < count)];
        return (indices, [.. indices.Select(i => rows[i] - first)]);
    }

    public override void RmsNorm(Tensor x_ND, Tensor weight_D, double epsilon, Tensor y_ND, Tensor r_N)
    {
        using var scope = NewDisposeScope();
        using var added = epsilon.ToScalar();
        r_N.copy_(x_ND.to_type(ScalarType.Float32).pow(HeldScalars.Two).mean([1]).Plus(added).rsqrt());
        RmsNormAgain(x_ND, weight_D, r_N, y_ND);
    }

    public override void RmsNormAgain(Tensor x_ND, Tensor weight_D, Tensor r_N, Tensor y_ND)
    {
        using var scope = NewDisposeScope();
        y_ND.copy_(x_ND.to_type(ScalarType.Float32) * r_N.unsqueeze(1) * weight_D.to_type(ScalarType.Float32));
    }

    public override void RmsNormBackward(Tensor x_ND, Tensor weight_D, Tensor r_N, Tensor dy_ND, Tensor dx_ND, Tensor dWeight_D)
    {
        using var scope = NewDisposeScope();
        Tensor x = x_ND.to_type(ScalarType.Float32), dy = dy_ND.to_type(ScalarType.Float32), r = r_N.unsqueeze(1);
        dWeight_D.copy_((dy * x * r).sum([0]));
        var inner = dy * weight_D.to_type(ScalarType.Float32);
        var share = (inner * x).mean([1], keepdim: true) * r * r;
        dx_ND.add_((inner.sub(x * share) * r).to_type(dx_ND.dtype), HeldScalars.One);
    }

    public override void TreeSum(Tensor[] parts_ND, Tensor? residual_ND, Tensor result_ND)
    {
        using var scope = NewDisposeScope();
        var nodes = parts_ND.ToArray();
        for (var count = nodes.Length; count > 1; count /= 2)
            for (var v = 0; v < count / 2; v++)
                nodes[v] = nodes[2 * v].Plus(nodes[2 * v + 1]);
        result_ND.copy_(residual_ND is null ? nodes[0] : nodes[0].Plus(residual_ND));
    }

    public override void AddBias(Tensor rows_NO, Tensor bias_O)
    {
        using var scope = NewDisposeScope();
        rows_NO.add_(bias_O, HeldScalars.One);
    }

    public override void SumRows(Tensor rows_NO, Tensor target_O, bool first)
    {
        using var scope = NewDisposeScope();
        var sum_O = rows_NO.to_type(ScalarType.Float32).sum([0]);
        if (first) target_O.copy_(sum_O);
        else target_O.add_(sum_O, HeldScalars.One);
    }

    public override void Accumulate(Tensor values, Tensor target, bool first)
    {
        using var scope = NewDisposeScope();
        if (first) target.copy_(values);
        else target.add_(values.to_type(ScalarType.Float32), HeldScalars.One);
    }

    public override void SwiGlu(Tensor gateUp_N2F, int shards, Tensor product_NF)
    {
        using var scope = NewDisposeScope();
        var (gate, up) = GateUp(gateUp_N2F, shards, product_NF);
        product_NF.copy_((gate / (-gate).exp().Plus(HeldScalars.One) * up).view(product_NF.shape));
    }

    public override void SwiGluBackward(Tensor gateUp_N2F, int shards, Tensor product_NF)
    {
        using var scope = NewDisposeScope();
        var (gate, up) = GateUp(gateUp_N2F, shards, product_NF);
        var gradient = product_NF.to_type(ScalarType.Float32).view(gate.shape);
        var sigmoid = (-gate).exp().Plus(HeldScalars.One).reciprocal();
        var silu = gate * sigmoid;
        // In fp32 the sources are the targets: everything is computed before anything is written.
        Tensor product = silu * up, dGate = gradient * up * (sigmoid * (gate * (-sigmoid).Plus(HeldScalars.One)).Plus(HeldScalars.One)), dUp = gradient * silu;
        product_NF.copy_(product.view(product_NF.shape));
        var fused = gateUp_N2F.view(product_NF.shape[0], shards, 2, -1);
        fused.select(2, 0).copy_(dGate);
        fused.select(2, 1).copy_(dUp);
    }

    private static (Tensor Gate, Tensor Up) GateUp(Tensor gateUp_N2F, int shards, Tensor product_NF)
    {
        var fused = gateUp_N2F.view(product_NF.shape[0], shards, 2, -1).to_type(ScalarType.Float32);
        return (fused.select(2, 0), fused.select(2, 1));
    }

    private static Tensor Index(ReadOnlySpan<int> rows, Device device)
    {
        var wide = new long[rows.Length];
        for (var i = 0; i < wide.Length; i++) wide[i] = rows[i];
        return tensor(wide, device: device);
    }
}
