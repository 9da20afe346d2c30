using TorchSharp;
using Tulu2.Data.Slots;
using Tulu2.Models.Torch;
using Tulu2.Protocol.Workers;
using Tulu2.Training.Slots;
using Tulu2.Training.State;
using Tulu2.Training.Steps;
using static TorchSharp.torch;

namespace Tulu2.Tests.Training.Workers;

/// <summary>
/// A gradient that depends on the weights, the step and the slot, in a way that no two slots share; no model behind it. Element by element, so that a part of
/// it is the same on whatever rank. What stages hand on says whose it is, and is looked at.
/// </summary>
internal sealed class FakeSlots(ReplicaState state, IShardSum? group) : ISlotComputer
{
    public static SlotComputerOf Of { get; } = (state, group) => new FakeSlots(state, group);

    public Tensor Stream(SlotBatch batch) => zeros(2).DetachFromDisposeScope();

    public ISlotPass Forward(SlotBatch batch, Tensor? input_ND, bool keep, bool frozenOnly = false)
    {
        var part = state.Trained.Part;
        if (part.FirstLayer > 0) Expect(input_ND!, batch, part.FirstLayer);
        if (group is not null)
        {
            using var one = ones(1);
            group.Sum(one);
            if (one.item<float>() != part.TensorDegree) throw new InvalidOperationException("not all of the group were there");
        }
        return new Pass(this, batch);
    }

    public (double Loss, NamedValues More) Summarize(int step, IReadOnlyList<double[]> figures) => (figures.Sum(slot => slot[0]), []);

    public void Dispose()
    {
    }

    private static void Expect(Tensor stream, SlotBatch batch, int layer)
    {
        if (!stream.data<float>().ToArray().SequenceEqual(Stream(batch, layer)))
            throw new InvalidOperationException($"slot {batch.Slot}, layer {layer}: got what is another's");
    }

    private static float[] Stream(SlotBatch batch, int layer) => [1000 * batch.Step + batch.Slot, layer];

    private sealed class Pass(FakeSlots owner, SlotBatch batch) : ISlotPass
    {
        private readonly List<Tensor> _streams = [];
        private readonly ReplicaState _state = owner.State;

        public Tensor Output_SD => Stream(_state.Trained.Part.EndLayer);

        public Tensor InputGradient_SD => Stream(_state.Trained.Part.FirstLayer);

        public double[] Backward(Tensor? outputGradient_ND, Tensor gradient, Action<long>? ready)
        {
            if (outputGradient_ND is not null) Expect(outputGradient_ND, batch, _state.Trained.Part.EndLayer);
            using var scope = NewDisposeScope();
            using var noGradient = no_grad();
            var values = Values(_state.Weights.Read);
            using (Scalar nothing = float.NaN) gradient.fill_(nothing);
            foreach (var (first, count) in GradientPieces.Of(_state.Trained, 1))
            {
                gradient.narrow(0, first, count).copy_(values.narrow(0, first, count));
                ready?.Invoke(first);
            }
            return _state.Trained.HasHead ? [Values(FirstNormWeight).item<float>()] : [];
        }

        public float[] Score() => [FirstNormWeight.item<float>()];

        public void Dispose()
        {
            foreach (var stream in _streams) stream.Dispose();
        }

        private Tensor FirstNormWeight => _state.Weights.Read[_state.Parameters.Read["norm"].Offset].to(float32);

        private Tensor Values(Tensor weights)
        {
            // A scalar that nothing holds may be finalized while native code reads it.
            using Scalar scale = 1.0 + 0.37 * batch.Slot, shift = 0.11 * batch.Step;
            return (weights.to(float32) * scale + shift).sin_();
        }

        private Tensor Stream(int layer)
        {
            var stream = tensor(FakeSlots.Stream(batch, layer)).DetachFromDisposeScope();
            _streams.Add(stream);
            return stream;
        }
    }

    private ReplicaState State => state;
}
