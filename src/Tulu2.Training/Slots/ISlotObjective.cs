using Tulu2.Data.Slots;
using Tulu2.Models.Decoder;
using Tulu2.Protocol.Workers;
using static TorchSharp.torch;

namespace Tulu2.Training.Slots;

/// <summary>What a run minimises, as far as the last stage of a slot is concerned.</summary>
internal interface ISlotObjective
{
    /// <summary>From the log-probabilities to the loss's derivative, and back through the model.</summary>
    /// <param name="ready">As <see cref="ISlotPass.Backward"/> has it.</param>
    /// <returns>The slot's figures.</returns>
    double[] Backward(DecoderModel model, Activations activations, SlotBatch batch, Tensor gradient, Action<long>? ready);

    /// <summary>Segments of a batch that have a log-probability of their own.</summary>
    int Segments(SlotBatch batch);

    /// <inheritdoc cref="ISlotComputer.Summarize"/>
    (double Loss, PreferenceMetrics? Preference) Summarize(int step, IReadOnlyList<double[]> figures);
}
