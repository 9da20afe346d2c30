using Tulu2.Data.Slots;
using Tulu2.Training.Slots;
using Tulu2.Training.Workers;
using static TorchSharp.torch;

namespace Tulu2.Tests.Training.Workers;

/// <summary>Slots whose loss is not a number.</summary>
internal sealed class NanSlots : ISlotComputer
{
    public double[] Compute(SlotBatch batch, Tensor gradient)
    {
        gradient.zero_();
        return [];
    }

    public float[] Score(SlotBatch batch) => [];

    public (double Loss, PreferenceMetrics? Preference) Summarize(int step, IReadOnlyList<double[]> figures) => (double.NaN, null);

    public void Dispose()
    {
    }
}
