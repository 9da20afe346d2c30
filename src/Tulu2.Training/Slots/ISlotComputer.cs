using Tulu2.Data.Slots;
using Tulu2.Models.Torch;
using Tulu2.Protocol.Workers;
using Tulu2.Training.State;
using static TorchSharp.torch;

namespace Tulu2.Training.Slots;

/// <summary>
/// The objective of a run, slot by slot, on one rank's part of the model. What it returns depends on the weights and the batch alone. All tensors it takes
/// and gives are in host memory. Shapes: S rows of a slot that are this tensor-parallel rank's share, D hidden.
/// </summary>
internal interface ISlotComputer : IDisposable
{
    /// <summary>[S, D] in the compute type, of undefined content: room for the residual stream of a slot, or its gradient, between two stages. The caller disposes it.</summary>
    Tensor Stream(SlotBatch batch);

    /// <summary>Takes a slot through the rank's layers with the current weights. Several passes may be alive at once.</summary>
    /// <param name="input_SD">What the stage before gave; null on the first stage.</param>
    /// <param name="keep">A backward pass will follow.</param>
    ISlotPass Forward(SlotBatch batch, Tensor? input_SD, bool keep);

    /// <summary>The step's loss and, for DPO, its preference figures.</summary>
    /// <param name="figures">[slots] what <see cref="ISlotPass.Backward"/> returned on the last stage, on whatever rank.</param>
    (double Loss, PreferenceMetrics? Preference) Summarize(int step, IReadOnlyList<double[]> figures);
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
    /// <param name="ready">Called with the first element from which on the gradient is final, whenever that moves down; not only with 0, if at all.</param>
    /// <returns>On the last stage the slot's figures, from which <see cref="ISlotComputer.Summarize"/> makes the step's; elsewhere none.</returns>
    double[] Backward(Tensor? outputGradient_SD, Tensor gradient, Action<long>? ready = null);

    /// <summary>On the last stage, in place of a backward pass: [sequences, or 2 * pairs] the summed log-probability of each sequence's scored tokens.</summary>
    float[] Score();
}

/// <summary>Makes the computer of a rank's state.</summary>
/// <param name="group">Continues sums over virtual shards beyond this rank; null: it holds all of them.</param>
internal delegate ISlotComputer SlotComputerOf(ReplicaState state, IShardSum? group);
