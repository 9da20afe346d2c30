using Tulu2.Data.Slots;
using static TorchSharp.torch;

namespace Tulu2.Models.Llama;

/// <summary>What a forward pass leaves for the backward pass. Dispose frees it.</summary>
public sealed class Activations : IDisposable
{
    public void Dispose() => throw new NotImplementedException();
}

/// <summary>A Llama decoder over a flat weight buffer, with a hand-written reverse pass.</summary>
public sealed class LlamaModel : IDisposable
{
    /// <param name="weights">[layout.Length] in the compute type (fp32 or bf16); read at every call, never written.</param>
    public LlamaModel(FlatLayout layout, Tensor weights, bool recompute = false) => throw new NotImplementedException();

    /// <summary>Runs the decoder up to the last norm, for the scored rows of the batch.</summary>
    /// <param name="keep">Keep what <see cref="Backward"/> needs.</param>
    public Activations Forward(SlotBatch batch, bool keep) => throw new NotImplementedException();

    /// <summary>[R] fp32: the log-probability of each scored row's target.</summary>
    public Tensor LogProbabilities(Activations activations) => throw new NotImplementedException();

    /// <summary>
    /// Reverse pass. <paramref name="coefficients_R"/> (fp32) is the derivative of the loss with respect to each row's log-probability. Overwrites
    /// <paramref name="gradient"/> ([layout.Length], fp32) wholly, alignment padding with zeros.
    /// </summary>
    /// <returns>[R] fp32: the log-probabilities, which come for free.</returns>
    public Tensor Backward(Activations activations, Tensor coefficients_R, Tensor gradient) => throw new NotImplementedException();

    public void Dispose() => throw new NotImplementedException();
}
