// N tokens, D width.
using Tulu2.Models.Kernels;
using Tulu2.Models.Parameters;
using Tulu2.Models.Torch;
using static TorchSharp.torch;

namespace Tulu2.Models.Decoder;

/// <summary>
/// A norm layer (HF <c>LlamaRMSNorm</c>): y = x r w with r = 1 / sqrt(mean(x^2) + epsilon) per row. Every tensor-parallel rank holds all of its weight.
/// </summary>
internal sealed class RmsNorm(ModelParameters parameters, Tensor weights, string key, BlockKernels kernels) : IDisposable
{
    private readonly Tensor _weight_D = ParameterViews.VectorOf(weights, parameters.Read[key]).DetachFromDisposeScope();
    private readonly ParameterMatrix? _trained = parameters.Trained.Find(key);
    private readonly double _epsilon = parameters.Read.Config.RmsNormEpsilon;

    /// <param name="scale_N">[N] fp32: takes r, which the reverse pass needs.</param>
    public void Forward(Tensor input_ND, Tensor output_ND, Tensor scale_N) => kernels.RmsNorm(input_ND, _weight_D, _epsilon, output_ND, scale_N);

    /// <summary>The same output from the r that is already known.</summary>
    public void ForwardAgain(Tensor input_ND, Tensor scale_N, Tensor output_ND) => kernels.RmsNormAgain(input_ND, _weight_D, scale_N, output_ND);

    /// <summary>Adds to <paramref name="inputGradient_ND"/>; overwrites the weight's gradient where it is trained.</summary>
    /// <param name="gradient">[length of the trained map] fp32.</param>
    public void Backward(Tensor input_ND, Tensor scale_N, Tensor outputGradient_ND, Tensor inputGradient_ND, Tensor gradient, Workspace workspace)
    {
        var mark = workspace.Mark();
        using var weightGradient_D = _trained is null ? workspace.RentSingle(_weight_D.shape) : ParameterViews.VectorOf(gradient, _trained);
        kernels.RmsNormBackward(input_ND, _weight_D, scale_N, outputGradient_ND, inputGradient_ND, weightGradient_D);
        workspace.Release(mark);
    }

    public void Dispose() => _weight_D.Dispose();
}
