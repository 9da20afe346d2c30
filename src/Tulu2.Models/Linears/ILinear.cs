// N tokens, I inputs, O outputs of this rank.
using Tulu2.Models.Kernels;
using Tulu2.Models.Parameters;
using Tulu2.Models.Torch;
using static TorchSharp.torch;

namespace Tulu2.Models.Linears;

/// <summary>
/// A linear layer: output = input x weight^T (+ bias), with its reverse pass. It alone knows how its weights are kept, what of them is trained, and where
/// their gradient lies; <see cref="LinearFactory"/> chooses the kind. A workspace is what a call may work in; nothing of it is rented when the call
/// returns.
/// </summary>
internal interface ILinear : IDisposable
{
    /// <summary>O.</summary>
    int Outputs { get; }

    /// <summary>output = input x weight^T (+ bias) (+ residual).</summary>
    /// <param name="residual_NO">Added to the product; null: nothing.</param>
    /// <param name="output_NO">Overwritten; neither the input nor the residual.</param>
    void Forward(Tensor input_NI, Tensor? residual_NO, Tensor output_NO, Workspace workspace, AdapterPass? pass = null);

    /// <summary>inputGradient = gradient x weight.</summary>
    /// <param name="inputGradient_NI">Overwritten; not the gradient that comes in.</param>
    void InputGradient(Tensor gradient_NO, Tensor inputGradient_NI, Workspace workspace, AdapterPass? pass = null);

    /// <summary>Writes the gradients of the layer's trained parameters.</summary>
    /// <param name="gradient">[length of the trained map] fp32.</param>
    /// <param name="first">Overwrite; otherwise add, where rows come in several calls.</param>
    void WeightGradient(Tensor gradient_NO, Tensor input_NI, Tensor gradient, bool first, Workspace workspace, AdapterPass? pass = null);
}

/// <summary>Shared by all linears of a model.</summary>
/// <param name="Shards">Virtual shards of this rank.</param>
internal sealed record LinearContext(int Shards, BlockKernels Kernels, IShardSum Group);

/// <summary>Weights in the compute type, which the linear disposes, and where the gradients of those that are trained go.</summary>
internal sealed record LinearWeights(Tensor Weight_OI, Tensor? Bias_O = null, ParameterMatrix? TrainedWeight = null, ParameterMatrix? TrainedBias = null)
    : IDisposable
{
    /// <summary>Gradients of weight and bias; rows in ascending order, as they come.</summary>
    public void WriteGradients(Tensor gradient_NO, Tensor input_NI, Tensor gradient, bool first, Workspace workspace, BlockKernels kernels)
    {
        if (TrainedWeight is not null)
        {
            using var target_OI = ParameterViews.Of(gradient, TrainedWeight);
            Write(gradient_NO, input_NI, target_OI, first, workspace, kernels);
        }
        if (TrainedBias is null) return;
        using var target_O = ParameterViews.VectorOf(gradient, TrainedBias);
        kernels.SumRows(gradient_NO, target_O, first);
    }

    public void Dispose()
    {
        Weight_OI.Dispose();
        Bias_O?.Dispose();
    }

    // target = (first) or += gradient^T x input.
    private static void Write(Tensor gradient_NO, Tensor input_NI, Tensor target_OI, bool first, Workspace workspace, BlockKernels kernels)
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
