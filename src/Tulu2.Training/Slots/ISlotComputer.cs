using Tulu2.Data.Slots;
using Tulu2.Models.Torch;
using Tulu2.Protocol.Workers;
using Tulu2.Training.State;
using static TorchSharp.torch;

namespace Tulu2.Training.Slots;

/// <summary>
/// Forward and backward passes of a run's slots through one rank's part of the model. Results depend on the weights and the batch alone. Residual streams,
/// and their gradients, are in host memory; the weights' gradient lies where the model computes. Shapes: S rows of a slot that are this tensor-parallel
/// rank's share, D hidden.
/// </summary>
internal interface ISlotComputer : IDisposable
{
    /// <summary>[S, D] in the compute type, of undefined content: room for the residual stream of a slot, or its gradient, between two stages. The caller disposes it.</summary>
    Tensor Stream(SlotBatch batch);

    /// <summary>Takes a slot through the rank's layers with the current weights. Several passes may be alive at once.</summary>
    /// <param name="input_SD">What the stage before gave; null on the first stage.</param>
    /// <param name="keep">A backward pass will follow.</param>
    ISlotPass Forward(SlotBatch batch, Tensor? input_SD, bool keep);

    /// <summary>The step's loss and the objective's metrics.</summary>
    /// <param name="figures">[slots] the results of <see cref="ISlotPass.Backward"/> on the last stage, from whatever ranks.</param>
    (double Loss, NamedValues More) Summarize(int step, IReadOnlyList<double[]> figures);
}

/// <summary>One slot on its way through a stage. Its tensors are valid until it is disposed, or its computer begins another pass.</summary>
internal interface ISlotPass : IDisposable
{
    /// <summary>[S, D] for the next stage.</summary>
    Tensor Output_SD { get; }

    /// <summary>[S, D] for the stage before, after <see cref="Backward"/>.</summary>
    Tensor InputGradient_SD { get; }

    /// <param name="outputGradient_SD">What the next stage gave; null on the last stage.</param>
    /// <param name="gradient">[length of the part] fp32; overwritten wholly.</param>
    /// <param name="ready">Called whenever the gradient is final from a lower element on, with that element; may never be called.</param>
    /// <returns>On the last stage the slot's figures, from which <see cref="ISlotComputer.Summarize"/> makes the step's; elsewhere none.</returns>
    double[] Backward(Tensor? outputGradient_SD, Tensor gradient, Action<long>? ready = null);

    /// <summary>On the last stage, in place of a backward pass: [sequences, or 2 * pairs] the summed log-probability of each sequence's scored tokens.</summary>
    float[] Score();
}

/// <summary>Makes the computer of a rank's state.</summary>
/// <param name="group">Continues sums over virtual shards beyond this rank; null: it holds all of them.</param>
internal delegate ISlotComputer SlotComputerOf(ReplicaState state, IShardSum? group);
