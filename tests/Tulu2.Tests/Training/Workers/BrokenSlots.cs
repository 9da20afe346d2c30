using TorchSharp;
using Tulu2.Data.Slots;
using Tulu2.Protocol.Workers;
using Tulu2.Training.Slots;
using static TorchSharp.torch;

namespace Tulu2.Tests.Training.Workers;

/// <summary>Slots of which some have a gradient, and on request a loss, that is not finite; the others are as they are.</summary>
/// <param name="inner">Computes all of them.</param>
/// <param name="breaks">What every element of a slot's gradient is; null: it is left as it is.</param>
/// <param name="loss">The figures of such a slot are not finite either.</param>
internal sealed class BrokenSlots(ISlotComputer inner, Func<SlotBatch, float?> breaks, bool loss) : ISlotComputer
{
    public static SlotComputerOf Of(SlotComputerOf inner, Func<SlotBatch, float?> breaks, bool loss = true) => (state, group) => new BrokenSlots(inner(state, group), breaks, loss);

    public Tensor Stream(SlotBatch batch) => inner.Stream(batch);

    public ISlotPass Forward(SlotBatch batch, Tensor? input_SD, bool keep, bool frozenOnly = false) =>
        inner.Forward(batch, input_SD, keep, frozenOnly) is var pass && keep && breaks(batch) is { } value ? new Pass(pass, value, loss) : pass;

    public double[] LogRatios(SlotBatch mismatched, float[] scores) => inner.LogRatios(mismatched, scores);

    public (double Loss, NamedValues More) Summarize(int step, IReadOnlyList<double[]> figures) => inner.Summarize(step, figures);

    public void Dispose() => inner.Dispose();

    private sealed class Pass(ISlotPass inner, float value, bool loss) : ISlotPass
    {
        public Tensor Output_SD => inner.Output_SD;

        public Tensor InputGradient_SD => inner.InputGradient_SD;

        public double[] Backward(Tensor? outputGradient_SD, Tensor gradient, Action<long>? ready = null)
        {
            var figures = inner.Backward(outputGradient_SD, gradient);
            using var scope = NewDisposeScope();
            using var noGradient = no_grad();
            using Scalar broken = value;
            gradient.fill_(broken);
            return loss ? Array.ConvertAll(figures, _ => (double)value) : figures;
        }

        public float[] Score() => inner.Score();

        public void Dispose() => inner.Dispose();
    }
}
