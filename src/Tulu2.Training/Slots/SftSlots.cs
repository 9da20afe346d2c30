using Tulu2.Data.Slots;
using Tulu2.Models.Decoder;
using Tulu2.Protocol.Workers;
using Tulu2.Training.Objectives;
using static TorchSharp.torch;

namespace Tulu2.Training.Slots;

/// <summary>Slots of supervised fine-tuning. Shapes: R scored rows of the slot.</summary>
internal sealed class SftSlots(SftObjective objective) : ISlotObjective
{
    /// <returns>[1] the sum of the slot's token losses, unweighted.</returns>
    public double[] Backward(DecoderModel model, Activations activations, SlotBatch batch, Tensor gradient, Action<long>? ready)
    {
        var coefficients_R = full(batch.ScoredRows.Length, -objective.Weight(batch.Step, batch.Slot), dtype: float32, device: gradient.device);
        var logProbabilities_R = model.Backward(activations, coefficients_R, gradient, ready);
        return [SftObjective.TokenLossSum(logProbabilities_R.cpu().data<float>().ToArray())];
    }

    public int Segments(SlotBatch batch) => batch.Sequences.Length;

    public (double Loss, PreferenceMetrics? Preference) Summarize(int step, IReadOnlyList<double[]> figures)
    {
        var loss = new CompensatedSum();
        for (var slot = 0; slot < figures.Count; slot++) loss.Add(figures[slot][0] * objective.Weight(step, slot));
        return (loss.Value, null);
    }
}
