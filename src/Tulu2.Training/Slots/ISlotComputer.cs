using Tulu2.Data.Slots;
using Tulu2.Training.Workers;
using static TorchSharp.torch;

namespace Tulu2.Training.Slots;

/// <summary>The objective of a run, slot by slot, on one replica of the model. What it returns depends on the weights and the batch alone.</summary>
internal interface ISlotComputer : IDisposable
{
    /// <summary>Computes a slot's gradient with the current weights.</summary>
    /// <param name="gradient">[layout.Length] fp32; overwritten wholly.</param>
    /// <returns>The slot's figures, from which <see cref="Summarize"/> makes the step's.</returns>
    double[] Compute(SlotBatch batch, Tensor gradient);

    /// <summary>[sequences, or 2 * pairs] the summed log-probability of each sequence's scored tokens.</summary>
    float[] Score(SlotBatch batch);

    /// <summary>The step's loss and, for DPO, its preference figures.</summary>
    /// <param name="figures">[slots] what <see cref="Compute"/> returned, on whatever rank.</param>
    (double Loss, PreferenceMetrics? Preference) Summarize(int step, IReadOnlyList<double[]> figures);
}
