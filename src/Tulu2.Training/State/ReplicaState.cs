using Tulu2.Checkpoints;
using Tulu2.Collectives;
using Tulu2.Models.HuggingFace;
using Tulu2.Models.Parameters;
using Tulu2.Training.Optimization;
using Tulu2.Training.Recipes;
using static TorchSharp.torch;

namespace Tulu2.Training.State;

/// <summary>
/// A rank's parameters and optimizer state, as flat buffers: of the range it updates fp32 master weights and both moments, of its whole part of the model the
/// weights that the model computes with (in fp32 the master itself lies in them, in bf16 they are a copy that follows it).
/// </summary>
internal sealed class ReplicaState : IDisposable
{
    /// <summary>The step of a rank that holds no state which counts.</summary>
    public const int NoStep = -1;

    private readonly IReadOnlyList<ParameterSlice> _slices;
    private readonly Tensor _host;

    /// <param name="parameters">Of the rank's part of the model.</param>
    /// <param name="range">What the rank updates; null: its whole part.</param>
    /// <param name="device">Where the model computes; null: in host memory, where everything else lies.</param>
    public ReplicaState(ModelParameters parameters, Precision precision, ElementRange? range = null, Device? device = null)
    {
        if (!parameters.IsFull) throw new NotSupportedException("what is trained lies in what is read: nothing else is kept yet");
        (Parameters, Precision) = (parameters, precision);
        Range = range ?? new ElementRange(0, Trained.Length);
        _slices = FlatRanges.Slices(Trained, Range);
        _host = zeros(parameters.Read.Length, dtype: precision == Precision.Fp32 ? float32 : bfloat16).DetachFromDisposeScope();
        Master = precision == Precision.Bf16 ? Zeros() : Range.Count == Trained.Length ? _host : _host.narrow(0, Range.First, Range.Count).DetachFromDisposeScope();
        FirstMoment = Zeros();
        SecondMoment = Zeros();
        Weights = device is null ? _host : zeros(parameters.Read.Length, dtype: _host.dtype, device: device).DetachFromDisposeScope();
    }

    public ModelParameters Parameters { get; }
    public ParameterMap Trained => Parameters.Trained;

    /// <summary>Of <see cref="Weights"/>.</summary>
    public Precision Precision { get; }

    /// <summary>Where in the flat order of the part the master weights and moments lie.</summary>
    public ElementRange Range { get; }

    /// <summary>[Range.Count], as are the moments.</summary>
    public Tensor Master { get; }
    public Tensor FirstMoment { get; }
    public Tensor SecondMoment { get; }

    /// <summary>[Parameters.Read.Length] What the model reads; call <see cref="RefreshWeights"/> after every change of <see cref="Master"/>.</summary>
    public Tensor Weights { get; }

    /// <summary>Weights lie on another device than the rest.</summary>
    public bool IsStaged => !ReferenceEquals(Weights, _host);

    /// <summary>Steps applied; <see cref="NoStep"/>: the content does not count (yet).</summary>
    public int Step { get; set; } = NoStep;

    /// <param name="gather">
    /// Where ranks share the optimizer state: fills the weights beyond <see cref="Range"/>, at an address in host memory, from those of the other ranks. Takes the bytes of an element.
    /// </param>
    public void RefreshWeights(Action<nint, int>? gather = null)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        if (Master.dtype != _host.dtype) _host.narrow(0, Range.First, Range.Count).copy_(Master);
        gather?.Invoke(FlatMemory.Address(_host), (int)_host.element_size());
        if (IsStaged) Weights.copy_(_host);
    }

    /// <summary>
    /// Initial weights, also beyond <see cref="Range"/>, and zero moments. <see cref="Step"/> stays <see cref="NoStep"/>: the caller decides whether this
    /// counts as step 0.
    /// </summary>
    public void Initialize(Recipe recipe)
    {
        Clear();
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        // One gradient's worth of memory, before there is any gradient.
        var all = Range.Count == Trained.Length ? Master : _host.dtype == float32 ? _host : zeros(Trained.Length, dtype: float32);
        var address = FlatMemory.Address(all);
        if (recipe.Model.Path is { } path) HuggingFaceModel.ReadWeights(path, Parameters.Read, address);
        else RandomWeights.Fill(Parameters.Read, recipe.Seed, address);
        if (!ReferenceEquals(all, _host)) _host.copy_(all);
        if (Master.dtype != _host.dtype && !ReferenceEquals(all, Master)) Master.copy_(all.narrow(0, Range.First, Range.Count));
        RefreshWeights();
    }

    /// <summary>Zeros everywhere, also between tensors, which no checkpoint holds; the content does not count.</summary>
    public void Clear()
    {
        Step = NoStep;
        using var scope = NewDisposeScope();
        _host.zero_();
        foreach (var (_, buffer) in Buffers()) buffer.zero_();
    }

    /// <summary>All of what this rank keeps of the state as a checkpoint knows it.</summary>
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
        if (IsStaged) Weights.Dispose();
        if (!ReferenceEquals(Master, _host)) Master.Dispose();
        _host.Dispose();
        FirstMoment.Dispose();
        SecondMoment.Dispose();
    }

    private Tensor Zeros() => zeros(Range.Count, dtype: float32).DetachFromDisposeScope();
}
