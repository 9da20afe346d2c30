using TorchSharp;
using Tulu2.Models.Torch;
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
        var firstCorrection = 1 - Math.Pow(recipe.Beta1, step);
        var secondCorrection = 1 - Math.Pow(recipe.Beta2, step);
        // Held until the calls are over: TorchSharp would free them once they are collected.
        using Scalar kept = (1 - learningRate * recipe.WeightDecay).ToScalar(), beta1 = recipe.Beta1.ToScalar(), new1 = (1 - recipe.Beta1).ToScalar(),
            beta2 = recipe.Beta2.ToScalar(), new2 = (1 - recipe.Beta2).ToScalar(), root = Math.Sqrt(secondCorrection).ToScalar(),
            epsilon = recipe.Epsilon.ToScalar(), rate = (-learningRate / firstCorrection).ToScalar();
        parameters.mul_(kept);
        firstMoment.mul_(beta1).add_(gradient, alpha: new1);
        secondMoment.mul_(beta2).addcmul_(gradient, gradient, value: new2);
        var denominator = secondMoment.sqrt().div_(root).add_(epsilon, HeldScalars.One);
        parameters.addcdiv_(firstMoment, denominator, value: rate);
    }
}
