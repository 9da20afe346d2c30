using Tulu2.Data.Slots;
using Tulu2.Models.Decoder;
using Tulu2.Protocol.Workers;
using Tulu2.Training.Objectives;
using static TorchSharp.torch;

namespace Tulu2.Training.Slots;

/// <summary>Computes slots with a rank's part of the model. Shapes: S rows of a slot in this tensor-parallel rank's share, D hidden size.</summary>
/// <param name="weights">The model's weights; only their type and device are used.</param>
/// <param name="onDevice">The model's tensors, gradients included, are on a device; streams between stages are copied through host memory.</param>
internal sealed class ModelSlots(DecoderModel model, Tensor weights, SlotObjective objective, bool onDevice) : ISlotComputer
{
    private readonly ScalarType _type = weights.dtype;
    private readonly Device _device = weights.device;

    public Tensor Stream(SlotBatch batch) => empty([model.ShareOf(batch), model.Config.HiddenSize], dtype: _type).DetachFromDisposeScope();

    public ISlotPass Forward(SlotBatch batch, Tensor? input_SD, bool keep, bool frozenOnly = false)
    {
        using var scope = NewDisposeScope();
        return new Pass(this, batch, model.Forward(batch, keep, Here(input_SD), frozenOnly));
    }

    public double[] LogRatios(SlotBatch mismatched, float[] scores) => objective.LogRatios(mismatched, scores);

    public (double Loss, NamedValues More) Summarize(int step, IReadOnlyList<double[]> figures) => objective.Summarize(step, figures);

    public void Dispose() => model.Dispose();

    // A stream on the compute device.
    private Tensor? Here(Tensor? stream_SD) => onDevice ? stream_SD?.to(_device, copy: true) : stream_SD;

    private double[] Backward(SlotBatch batch, Activations activations, Tensor? outputGradient_SD, Tensor gradient, Action<long>? ready)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        if (outputGradient_SD is null) return objective.Backward(model, activations, batch, gradient, ready);
        model.BackwardStage(activations, Here(outputGradient_SD)!, gradient, ready);
        return [];
    }

    private float[] Score(SlotBatch batch, Activations activations)
    {
        using var scope = NewDisposeScope();
        return SegmentSums.Of(model.LogProbabilities(activations).cpu().data<float>().ToArray(), batch.ScoredSegments, objective.Segments(batch));
    }

    private sealed class Pass(ModelSlots owner, SlotBatch batch, Activations activations) : ISlotPass
    {
        private readonly List<Tensor> _copies = [];

        public Tensor Output_SD => owner.ToHost(activations.Output_SD, _copies);

        public Tensor InputGradient_SD => owner.ToHost(activations.InputGradient_SD, _copies);

        public double[] Backward(Tensor? outputGradient_SD, Tensor gradient, Action<long>? ready) =>
            owner.Backward(batch, activations, outputGradient_SD, gradient, ready);

        public float[] Score() => owner.Score(batch, activations);

        public void Dispose()
        {
            foreach (var copy in _copies) copy.Dispose();
            activations.Dispose();
        }
    }

    private Tensor ToHost(Tensor stream_SD, List<Tensor> copies)
    {
        if (!onDevice) return stream_SD;
        var copy = stream_SD.to(CPU, copy: true).DetachFromDisposeScope();
        copies.Add(copy);
        return copy;
    }
}

/// <summary>Slots on a rank that holds the whole model.</summary>
internal static class WholeSlots
{
    /// <summary>Runs both passes of a slot.</summary>
    /// <param name="gradient">[length of the model] fp32; every element is overwritten.</param>
    /// <returns>The slot's figures.</returns>
    public static double[] Compute(this ISlotComputer computer, SlotBatch batch, Tensor gradient)
    {
        using var pass = computer.Forward(batch, null, keep: true);
        return pass.Backward(null, gradient);
    }
}
