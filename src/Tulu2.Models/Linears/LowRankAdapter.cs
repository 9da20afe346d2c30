// N tokens, I inputs and O outputs of this rank, R the adapters' rank, P adapted projections of a fused matrix, V virtual shards on this rank, W columns.
using TorchSharp;
using Tulu2.Models.Kernels;
using Tulu2.Models.Parameters;
using Tulu2.Models.Torch;
using static TorchSharp.torch;

namespace Tulu2.Models.Linears;

/// <summary>
/// The low-rank adapters of one matrix. Products are cut so that each has the same shape for every tensor-parallel degree: few columns or rows, which ranks
/// have, take other kernels, whose bits depend on how many there are. The caller owns the dispose scope and the mark of the workspace.
/// </summary>
internal abstract class LowRankAdapter(AdapterSettings settings, LinearContext context, ParameterMatrix trainedA, ParameterMatrix trainedB, ulong layer) : IDisposable
{
    private readonly Scalar _scale = settings.Scale.ToScalar();

    protected int Rank => settings.Rank;
    protected LinearContext Context => context;
    protected BlockKernels Kernels => context.Kernels;

    /// <summary>Where the gradients of A and B go.</summary>
    protected ParameterMatrix TrainedA => trainedA;
    protected ParameterMatrix TrainedB => trainedB;

    /// <summary>Adds scale (input A^T) B^T.</summary>
    public abstract void AddOutput(Tensor input_NI, Tensor output_NO, Workspace workspace, AdapterPass? pass);

    /// <summary>Adds scale (gradient B) A.</summary>
    public abstract void AddInputGradient(Tensor gradient_NO, Tensor inputGradient_NI, Workspace workspace, AdapterPass? pass);

    /// <summary>Writes (<paramref name="first"/>) or adds the gradients of A and B.</summary>
    /// <param name="gradient">[length of the trained map] fp32.</param>
    public abstract void WriteGradients(Tensor gradient_NO, Tensor input_NI, Tensor gradient, bool first, Workspace workspace, AdapterPass? pass);

    public virtual void Dispose() => _scale.Dispose();

    /// <param name="firstColumn">The first column's place in the whole matrix.</param>
    protected DropoutMask? MaskOf(AdapterPass? pass, long firstColumn) =>
        pass?.RowKeys is { } keys && settings.Dropout > 0 ? new DropoutMask(keys, layer, settings.Dropout, firstColumn) : null;

    /// <summary>What the adapter sees of its input.</summary>
    protected Tensor Seen(Tensor input_NW, DropoutMask? mask, Workspace workspace)
    {
        if (mask is null) return input_NW;
        var seen_NW = workspace.Rent(input_NW.shape);
        Kernels.Dropout(input_NW, mask, seen_NW);
        return seen_NW;
    }

    /// <summary>In place; on the narrow side of the adapter, where it costs least.</summary>
    protected void ScaleBy(Tensor narrow) => narrow.mul_(_scale);

    /// <summary>Writes (<paramref name="first"/>) or adds left^T x right to the fp32 gradient of a parameter, whose rows may be apart.</summary>
    protected static void Write(Tensor left_NX, Tensor right_NY, Tensor target_XY, bool first, Workspace workspace)
    {
        var mark = workspace.Mark();
        var product_XY = workspace.Rent(target_XY.shape);
        Aten.MatMul(product_XY, left_NX.t(), right_NY);
        if (first) target_XY.copy_(product_XY);
        else target_XY.add_(product_XY, HeldScalars.One);
        workspace.Release(mark);
    }
}
