using Tulu2.Protocol.Ids;
using Tulu2.Training.Communication;
using Tulu2.Training.Optimization;
using Tulu2.Training.State;
using Tulu2.Training.Workers;
using static TorchSharp.torch;

namespace Tulu2.Training.Standby;

/// <summary>Another rank's parameters and optimizer state in this rank's host memory, with the gradient that is to be applied to them next.</summary>
internal sealed class KeptState : IDisposable
{
    private readonly Tensor _master, _firstMoment, _secondMoment, _gradient;
    private readonly UntrainedRows _untrained;
    private readonly long _length;

    public KeptState(WorkerSettings settings, Rank of)
    {
        Of = of;
        var part = new RankPart(settings.Parameters, settings.Parallel, of);
        _length = part.Range.Count;
        _untrained = new UntrainedRows(part.Trained, part.Range);
        (_master, _firstMoment, _secondMoment, _gradient) = (Zeros(), Zeros(), Zeros(), Zeros());
    }

    public Rank Of { get; }

    /// <summary>Steps applied; <see cref="ReplicaState.NoStep"/>: the content is not valid (yet).</summary>
    public int Step { get; set; } = ReplicaState.NoStep;

    /// <summary>In the order of <see cref="ReplicaState.Buffers"/>.</summary>
    public IReadOnlyList<MessageEnd> State(int other) => [End(other, _master), End(other, _firstMoment), End(other, _secondMoment)];

    public MessageEnd Gradient(int other) => End(other, _gradient);

    /// <summary>Applies the gradient, as its rank does: the result has the same bits.</summary>
    /// <param name="norm">L2 norm of the whole model's gradient.</param>
    public void Apply(UpdateRule rule, double norm)
    {
        var step = Step + 1;
        Step = ReplicaState.NoStep;
        _untrained.Keep(_master, () => rule.Apply(_master, _gradient, _firstMoment, _secondMoment, step, norm));
        Step = step;
    }

    public void Dispose()
    {
        _master.Dispose();
        _firstMoment.Dispose();
        _secondMoment.Dispose();
        _gradient.Dispose();
    }

    private MessageEnd End(int other, Tensor buffer) => new(other, FlatMemory.Address(buffer), _length * sizeof(float));

    private Tensor Zeros() => zeros(_length, dtype: float32).DetachFromDisposeScope();
}
