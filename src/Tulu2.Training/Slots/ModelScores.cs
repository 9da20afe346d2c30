using Tulu2.Data.Slots;
using Tulu2.Models.Decoder;
using Tulu2.Training.Objectives;
using static TorchSharp.torch;

namespace Tulu2.Training.Slots;

/// <summary>Sequence log-probabilities without a gradient.</summary>
public static class ModelScores
{
    /// <param name="segments">Number of segments to return, which leaves out a filler after the sequences; null: all.</param>
    /// <returns>[segments] summed log-probability of each segment's scored tokens.</returns>
    public static float[] Of(DecoderModel model, SlotBatch batch, int? segments = null)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        using var activations = model.Forward(batch, keep: false);
        return SegmentSums.Of(model.LogProbabilities(activations).data<float>().ToArray(), batch.ScoredSegments, segments ?? batch.SegmentLengths.Length);
    }
}
