using Tulu2.Training.Recipes;
using static TorchSharp.torch;

namespace Tulu2.Training.Optimization;

/// <summary>
/// AdamW with decoupled weight decay (arXiv 1711.05101) over flat fp32 buffers. Element-wise, so the bits do not depend on how the buffer is cut, provided
/// that it is cut at multiples of 16 elements (the kernel's vector body and its tail round differently).
/// </summary>
internal sealed class FlatAdamW(OptimizerRecipe recipe)
{
    /// <summary>Updates parameters and both moments in place; the gradient may be overwritten. All are [length] fp32.</summary>
    /// <param name="step">Number of the update, from 1.</param>
    public void Apply(Tensor parameters, Tensor gradient, Tensor firstMoment, Tensor secondMoment, int step, double learningRate)
    {
        if (FusedAdamW.IsAvailable && parameters.device.type == TorchSharp.DeviceType.CPU)
            FusedAdamW.Apply(parameters, gradient, firstMoment, secondMoment, step, learningRate, recipe.Beta1, recipe.Beta2, recipe.Epsilon, recipe.WeightDecay);
        else
            ApplyByFormula(parameters, gradient, firstMoment, secondMoment, step, learningRate);
    }

    /// <summary>The same update in tensor operations.</summary>
    internal void ApplyByFormula(Tensor parameters, Tensor gradient, Tensor firstMoment, Tensor secondMoment, int step, double learningRate)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        parameters.mul_(1 - learningRate * recipe.WeightDecay);
        firstMoment.mul_(recipe.Beta1).add_(gradient, alpha: 1 - recipe.Beta1);
        secondMoment.mul_(recipe.Beta2).addcmul_(gradient, gradient, value: 1 - recipe.Beta2);
        var firstCorrection = 1 - Math.Pow(recipe.Beta1, step);
        var secondCorrection = 1 - Math.Pow(recipe.Beta2, step);
        var denominator = secondMoment.sqrt().div_(Math.Sqrt(secondCorrection)).add_(recipe.Epsilon);
        parameters.addcdiv_(firstMoment, denominator, value: -learningRate / firstCorrection);
    }
}
