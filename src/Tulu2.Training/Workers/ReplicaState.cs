using Tulu2.Checkpoints;
using Tulu2.Models.HuggingFace;
using Tulu2.Models.Llama;
using Tulu2.Training.Optimization;
using Tulu2.Training.Recipes;
using static TorchSharp.torch;

namespace Tulu2.Training.Workers;

/// <summary>
/// One replica's parameters and optimizer state, as flat buffers of <c>layout.Length</c> elements: fp32 master weights, both moments, and the weights the
/// model computes with (the master itself, or a bf16 copy that follows it).
/// </summary>
internal sealed class ReplicaState : IDisposable
{
    /// <summary>The step of a replica that holds no state which counts.</summary>
    public const int NoStep = -1;

    private readonly FlatLayout _layout;

    public ReplicaState(FlatLayout layout, Precision precision)
    {
        _layout = layout;
        Master = Zeros(float32);
        FirstMoment = Zeros(float32);
        SecondMoment = Zeros(float32);
        Weights = precision == Precision.Fp32 ? Master : Zeros(bfloat16);
    }

    public Tensor Master { get; }
    public Tensor FirstMoment { get; }
    public Tensor SecondMoment { get; }

    /// <summary>What the model reads; call <see cref="RefreshWeights"/> after every change of <see cref="Master"/>.</summary>
    public Tensor Weights { get; }

    /// <summary>Steps applied; <see cref="NoStep"/>: the content does not count (yet).</summary>
    public int Step { get; set; } = NoStep;

    public void RefreshWeights()
    {
        if (ReferenceEquals(Weights, Master)) return;
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        Weights.copy_(Master);
    }

    /// <summary>Initial weights and zero moments. <see cref="Step"/> stays <see cref="NoStep"/>: the caller decides whether this counts as step 0.</summary>
    public void Initialize(Recipe recipe)
    {
        Clear();
        var address = FlatMemory.Address(Master);
        if (recipe.Model.Path is { } path) HuggingFaceModel.ReadWeights(path, _layout, address);
        else RandomWeights.Fill(_layout, recipe.Seed, address);
        RefreshWeights();
    }

    /// <summary>Zeros everywhere, also between tensors, which no checkpoint holds; the content does not count.</summary>
    public void Clear()
    {
        Step = NoStep;
        using var scope = NewDisposeScope();
        foreach (var (_, buffer) in Buffers()) buffer.zero_();
    }

    /// <summary>All of the state as a checkpoint knows it.</summary>
    public IReadOnlyList<StateBlock> Blocks()
    {
        var blocks = new List<StateBlock>(3 * _layout.Slices.Count);
        foreach (var (kind, buffer) in Buffers())
        {
            var address = FlatMemory.Address(buffer);
            foreach (var slice in _layout.Slices) blocks.Add(new StateBlock(kind, slice.Slice, address + sizeof(float) * (nint)slice.Offset, slice.RowStride));
        }
        return blocks;
    }

    /// <summary>The fp32 buffers, in the order in which peers send them.</summary>
    public IReadOnlyList<(StateKind Kind, Tensor Buffer)> Buffers() =>
        [(StateKind.Parameter, Master), (StateKind.FirstMoment, FirstMoment), (StateKind.SecondMoment, SecondMoment)];

    public void Dispose()
    {
        if (!ReferenceEquals(Weights, Master)) Weights.Dispose();
        Master.Dispose();
        FirstMoment.Dispose();
        SecondMoment.Dispose();
    }

    private Tensor Zeros(ScalarType type) => zeros(_layout.Length, dtype: type).DetachFromDisposeScope();
}
