using Tulu2.Data.Slots;
using Tulu2.Models.Torch;
using Tulu2.Protocol.Workers;
using Tulu2.Training.State;
using static TorchSharp.torch;

namespace Tulu2.Training.Slots;

/// <summary>
/// Runs the forward and backward passes of slots through one rank's part of the model. Results depend on the weights and the batch only. Residual streams and
/// their gradients are in host memory; the gradient of the weights is on the compute device. Shapes: S rows of a slot in this tensor-parallel rank's share,
/// D hidden size.
/// </summary>
internal interface ISlotComputer : IDisposable
{
    /// <summary>
    /// [S, D] in the compute type, with undefined content: a buffer for a slot's residual stream, or its gradient, between two stages. The caller disposes of
    /// it.
    /// </summary>
    Tensor Stream(SlotBatch batch);

    /// <summary>Runs a slot through the rank's layers with the current weights. Several passes may exist at once.</summary>
    /// <param name="input_SD">Output of the previous stage; null on the first stage.</param>
    /// <param name="keep">Keep the activations for a backward pass.</param>
    /// <param name="frozenOnly">Without the adapters, if the model has any.</param>
    ISlotPass Forward(SlotBatch batch, Tensor? input_SD, bool keep, bool frozenOnly = false);

    /// <summary>On the last stage: how much likelier policy than reference finds each sequence of a slot's mismatched batch.</summary>
    /// <param name="scores">[rows] result of <see cref="ISlotPass.Score"/>.</param>
    /// <returns>[rows]</returns>
    double[] LogRatios(SlotBatch mismatched, float[] scores) => throw new NotSupportedException("the objective has no mismatched sequences");

    /// <summary>Computes the step's loss and the objective's metrics.</summary>
    /// <param name="figures">[slots] results of <see cref="ISlotPass.Backward"/> on the last stage, from all replicas.</param>
    (double Loss, NamedValues More) Summarize(int step, IReadOnlyList<double[]> figures);
}

/// <summary>One slot in a stage. Its tensors are valid until it is disposed of, or its computer begins another pass.</summary>
internal interface ISlotPass : IDisposable
{
    /// <summary>[S, D] input of the next stage.</summary>
    Tensor Output_SD { get; }

    /// <summary>[S, D] output gradient for the previous stage, after <see cref="Backward"/>.</summary>
    Tensor InputGradient_SD { get; }

    /// <param name="outputGradient_SD">Input gradient of the next stage; null on the last stage.</param>
    /// <param name="gradient">[length of the part] fp32; every element is overwritten.</param>
    /// <param name="ready">Called with an element when the gradient is final from that element on; may never be called.</param>
    /// <returns>On the last stage the slot's figures, for <see cref="ISlotComputer.Summarize"/>; elsewhere empty.</returns>
    double[] Backward(Tensor? outputGradient_SD, Tensor gradient, Action<long>? ready = null);

    /// <summary>Last stage only, instead of a backward pass.</summary>
    /// <returns>[sequences] summed log-probability of each sequence's scored tokens; a filler segment after them is left out.</returns>
    float[] Score();
}

/// <summary>Creates the computer for a rank's state.</summary>
/// <param name="group">Sums over virtual shards of other ranks; null: this rank holds all of them.</param>
internal delegate ISlotComputer SlotComputerOf(ReplicaState state, IShardSum? group);
