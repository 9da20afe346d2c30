using Tulu2.Models.Parameters;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;
using Tulu2.Training.Optimization;
using static TorchSharp.torch;

namespace Tulu2.Training.Steps;

/// <summary>A rank's part in the check of a step's slot (<see cref="SlotCheck"/>): which slot it computes once more, and the hashes of what it computed.</summary>
/// <param name="part">What a gradient of this rank has.</param>
internal sealed class SlotChecker(ParameterMap part)
{
    private GradientBlock[]? _blocks;
    private StepNumber _step;
    private SlotCheck? _check;
    private string? _own, _again;

    /// <summary>What this rank has to say of the checked slot; null: nothing.</summary>
    public CheckedSlot? Result => _check is { } check && (_own ?? _again) is not null ? new CheckedSlot(check.Slot, _own, _again) : null;

    /// <summary>The slots of a step are begun, or begun anew.</summary>
    /// <param name="replica">Place of this rank's replica.</param>
    /// <param name="holds">Whether the gradient of a slot is held from before.</param>
    /// <returns>The slot that is to be computed once more, first of all; null: none.</returns>
    public int? Start(StepNumber step, SlotCheck? check, int replica, Func<int, bool> holds)
    {
        var isSame = step == _step && check is not null && check.Slot == _check?.Slot && holds(check.Slot);
        (_step, _check, _own, _again) = (step, check, isSame ? _own : null, null);
        return check is not null && check.Replicas.Contains(replica) ? check.Slot.Value : null;
    }

    /// <summary>A gradient is computed, and not yet added to others.</summary>
    /// <param name="gradient">[the rank's part] fp32</param>
    /// <param name="again">It is not going to be added.</param>
    public void Computed(int slot, Tensor gradient, bool again)
    {
        if (_check?.Slot.Value != slot) return;
        if (again) _again = Hash(gradient);
        else _own = Hash(gradient);
    }

    private string Hash(Tensor gradient)
    {
        using var scope = NewDisposeScope();
        _blocks ??= [.. new GradientBlocks(part).Of(part)];
        return GradientDigest.Hash(GradientDigest.Measure(_blocks, FlatMemory.Address(gradient.cpu()), 0));
    }
}
