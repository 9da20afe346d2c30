using Tulu2.Data.Slots;
using Tulu2.Training.Slots;
using Tulu2.Training.Workers;
using static TorchSharp.torch;

namespace Tulu2.Tests.Training.Workers;

/// <summary>A gradient that depends on the weights, the step and the slot, in a way that no two slots share; no model behind it.</summary>
internal sealed class FakeSlots(ReplicaState state) : ISlotComputer
{
    public double[] Compute(SlotBatch batch, Tensor gradient)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var values = (state.Weights.to(float32) * (1.0 + 0.37 * batch.Slot) + 0.11 * batch.Step).sin_();
        gradient.copy_(values);
        return [values.pow(2).mean().item<float>()];
    }

    public float[] Score(SlotBatch batch) => [state.Weights[0].item<float>()];

    public (double Loss, PreferenceMetrics? Preference) Summarize(int step, IReadOnlyList<double[]> figures) => (figures.Sum(slot => slot[0]), null);

    public void Dispose()
    {
    }
}
