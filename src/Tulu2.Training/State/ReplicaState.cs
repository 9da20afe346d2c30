using Tulu2.Checkpoints;
using Tulu2.Collectives;
using Tulu2.Models.Parameters;
using Tulu2.Training.Optimization;
using Tulu2.Training.Recipes;
using static TorchSharp.torch;

namespace Tulu2.Training.State;

/// <summary>
/// A rank's trained parameters and optimizer state, as flat buffers: fp32 master weights and both moments for the range that it updates, and compute weights
/// for its whole part. With fp32 compute the master weights are a view of the compute weights; with bf16 the compute weights are a rounded copy. Where
/// adapters are trained, the model beside them is frozen and belongs to the caller.
/// </summary>
internal sealed class ReplicaState : IDisposable
{
    /// <summary>Value of <see cref="Step"/> while the buffers hold no valid state.</summary>
    public const int NoStep = -1;

    private readonly IReadOnlyList<ParameterSlice> _slices;
    private readonly Tensor _host, _compute;

    /// <param name="parameters">Parameters of the rank's part of the model.</param>
    /// <param name="range">Range of the part that the rank updates; null: all of it.</param>
    /// <param name="device">Device of the compute weights; null: the host. All other buffers are in host memory.</param>
    /// <param name="frozen">The model beside adapters, on that device; null: everything is trained.</param>
    public ReplicaState(ModelParameters parameters, Precision precision, ElementRange? range = null, Device? device = null, FrozenModel? frozen = null)
    {
        if (parameters.Adapter is null && !parameters.IsFull) throw new NotSupportedException("all that the model reads must be trained, or adapters beside it");
        (Parameters, Precision) = (parameters, precision);
        Range = range ?? new ElementRange(0, Trained.Length);
        _slices = FlatRanges.Slices(Trained, Range);
        _host = zeros(Trained.Length, dtype: ComputeType.Of(precision)).DetachFromDisposeScope();
        Master = precision == Precision.Bf16 ? Zeros() : Range.Count == Trained.Length ? _host : _host.narrow(0, Range.First, Range.Count).DetachFromDisposeScope();
        FirstMoment = Zeros();
        SecondMoment = Zeros();
        _compute = device is null ? _host : zeros(Trained.Length, dtype: _host.dtype, device: device).DetachFromDisposeScope();
        Weights = frozen is null ? _compute : frozen.Weights with { Adapters = _compute };
    }

    public ModelParameters Parameters { get; }
    public ParameterMap Trained => Parameters.Trained;

    /// <summary>Type of <see cref="Weights"/>.</summary>
    public Precision Precision { get; }

    /// <summary>Range of the part's flat order that the master weights and moments cover.</summary>
    public ElementRange Range { get; }

    /// <summary>[Range.Count] fp32, like both moments.</summary>
    public Tensor Master { get; }
    public Tensor FirstMoment { get; }
    public Tensor SecondMoment { get; }

    /// <summary>What the model computes with; call <see cref="RefreshWeights"/> after every change of <see cref="Master"/>.</summary>
    public ModelWeights Weights { get; }

    /// <summary>The compute weights are on a device other than the host.</summary>
    public bool WeightsOnDevice => !ReferenceEquals(_compute, _host);

    /// <summary>Steps applied; <see cref="NoStep"/>: the content is not valid (yet).</summary>
    public int Step { get; set; } = NoStep;

    /// <param name="gather">
    /// With ZeRO: fills the weights outside <see cref="Range"/> from the other ranks. Takes the address of the weights in host memory and the bytes of an
    /// element.
    /// </param>
    public void RefreshWeights(Action<nint, int>? gather = null)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        if (Master.dtype != _host.dtype) _host.narrow(0, Range.First, Range.Count).copy_(Master);
        gather?.Invoke(FlatMemory.Address(_host), (int)_host.element_size());
        if (WeightsOnDevice) _compute.copy_(_host);
    }

    /// <summary>
    /// Sets initial weights, outside <see cref="Range"/> too, and zero moments. <see cref="Step"/> stays <see cref="NoStep"/>: the caller decides whether this
    /// is the state of step 0.
    /// </summary>
    public void Initialize(Recipe recipe)
    {
        Clear();
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        // A temporary buffer the size of one gradient; no gradient is allocated yet.
        var all = Range.Count == Trained.Length ? Master : _host.dtype == float32 ? _host : zeros(Trained.Length, dtype: float32);
        var address = FlatMemory.Address(all);
        if (Parameters.Adapter is null) InitialWeights.Fill(recipe, Parameters.Read, address);
        else InitialWeights.FillAdapters(recipe, Trained, address);
        if (!ReferenceEquals(all, _host)) _host.copy_(all);
        if (Master.dtype != _host.dtype && !ReferenceEquals(all, Master)) Master.copy_(all.narrow(0, Range.First, Range.Count));
        RefreshWeights();
    }

    /// <summary>
    /// Zeroes all buffers, including the gaps between tensors, which no checkpoint covers, and resets <see cref="Step"/> to <see cref="NoStep"/>.
    /// </summary>
    public void Clear()
    {
        Step = NoStep;
        using var scope = NewDisposeScope();
        _host.zero_();
        foreach (var (_, buffer) in Buffers()) buffer.zero_();
    }

    /// <summary>This rank's whole state as the blocks that a checkpoint stores.</summary>
    public IReadOnlyList<StateBlock> Blocks()
    {
        var blocks = new List<StateBlock>(3 * _slices.Count);
        foreach (var (kind, buffer) in Buffers())
        {
            var address = FlatMemory.Address(buffer);
            foreach (var slice in _slices) blocks.Add(new StateBlock(kind, slice.Slice, address + sizeof(float) * (nint)slice.Offset, slice.RowStride));
        }
        return blocks;
    }

    /// <summary>The fp32 buffers, in the order in which peers send them.</summary>
    public IReadOnlyList<(StateKind Kind, Tensor Buffer)> Buffers() =>
        [(StateKind.Parameter, Master), (StateKind.FirstMoment, FirstMoment), (StateKind.SecondMoment, SecondMoment)];

    public void Dispose()
    {
        if (WeightsOnDevice) _compute.Dispose();
        if (!ReferenceEquals(Master, _host)) Master.Dispose();
        _host.Dispose();
        FirstMoment.Dispose();
        SecondMoment.Dispose();
    }

    private Tensor Zeros() => zeros(Range.Count, dtype: float32).DetachFromDisposeScope();
}
