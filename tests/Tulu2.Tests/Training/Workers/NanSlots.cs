using Tulu2.Data.Slots;
using Tulu2.Protocol.Workers;
using Tulu2.Training.Slots;
using static TorchSharp.torch;

namespace Tulu2.Tests.Training.Workers;

/// <summary>Slots whose loss is not a number.</summary>
internal sealed class NanSlots : ISlotComputer, ISlotPass
{
    public Tensor Output_SD => throw new NotSupportedException();

    public Tensor InputGradient_SD => throw new NotSupportedException();

    public Tensor Stream(SlotBatch batch) => throw new NotSupportedException();

    public ISlotPass Forward(SlotBatch batch, Tensor? input_ND, bool keep, bool frozenOnly = false) => this;

    public double[] Backward(Tensor? outputGradient_ND, Tensor gradient, Action<long>? ready)
    {
        gradient.zero_();
        return [];
    }

    public float[] Score() => [];

    public (double Loss, NamedValues More) Summarize(int step, IReadOnlyList<double[]> figures) => (double.NaN, []);

    public void Dispose()
    {
    }
}
