using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;

namespace Tulu2.Training.Steps;

/// <summary>
/// The slots among a rank's own that are left out of their step: each gets a gradient of zeros and no figures, in its place in the order, so that the step's sum is the same
/// on every layout, and no more buffers are held than with all slots.
/// </summary>
/// <param name="slots">Of a step.</param>
internal sealed class LeftOutSlots(HeldGradients held, int slots)
{
    private readonly Queue<int> _coming = new();
    private int[] _computed = [];
    private int _done;

    /// <summary>All that are left out, of this step and later ones.</summary>
    public IReadOnlyList<StepSlot> All { get; set; } = [];

    /// <summary>Steps of which all slots are.</summary>
    public IReadOnlyList<StepRange> PassedOver { get; set; } = [];

    public bool IsPassedOver(StepNumber step) => PassedOver.Any(steps => steps.Contains(step));

    /// <summary>Those of a step.</summary>
    public IReadOnlySet<int> Of(StepNumber step) => IsPassedOver(step) ? Enumerable.Range(0, slots).ToHashSet() : All.Where(slot => slot.Step == step).Select(slot => slot.Slot.Value).ToHashSet();

    /// <summary>Plans a step's slots on this rank.</summary>
    /// <param name="own">Ascending.</param>
    /// <returns>Those to compute.</returns>
    public int[] Start(StepNumber step, int[] own)
    {
        var left = Of(step);
        _coming.Clear();
        foreach (var slot in own.Where(left.Contains)) _coming.Enqueue(slot);
        _done = 0;
        return _computed = [.. own.Where(slot => !left.Contains(slot))];
    }

    /// <summary>The next of the slots to compute is done.</summary>
    public void Done() => _done++;

    /// <summary>Adds the slots whose turn it is.</summary>
    /// <returns>Their numbers.</returns>
    public IReadOnlyList<int> Fill()
    {
        var filled = new List<int>();
        // The gradient of the last slot may be reduced while it is computed, together with all that is held by then.
        var before = _done < _computed.Length - 1 ? _computed[_done] : int.MaxValue;
        while (_coming.TryPeek(out var slot) && slot < before)
        {
            var zeros = held.Rent();
            using (zeros.zero_()) held.Add(_coming.Dequeue(), zeros, []);
            filled.Add(slot);
        }
        return filled;
    }
}
