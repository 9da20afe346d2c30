using Tulu2.Data.Slots;
using Tulu2.Training.Communication;
using Tulu2.Training.Objectives;
using Tulu2.Training.Slots;

namespace Tulu2.Training.Steps;

/// <summary>
/// The pass before the slots of a step whose coefficients need the mean over all its mismatched answers (<see cref="SlotBatch.Divergence"/>): each replica scores those of the
/// slots that it is about to compute, slot by slot through its stages; then the ranks of the last stage exchange the values over their data group, and add them in the order of
/// slots and rows. The value is a function of parameters and step alone, with the same bits whoever computed which part.
/// <para>
/// It is kept as long as slot gradients of the step are held, and a rank that knows it contributes it in later generations. If nobody in a data group of the last stage knows
/// it, the values of the slots to compute are complete: a rank of the last stage computes a slot's gradient only when it knows the value, and forgets both together, so in that
/// group no rank holds a slot. A slot counts as held by a replica only if all its ranks hold it, and each replica has one rank in the group: all slots of the step are to be
/// computed, each by one replica, which has just scored it.
/// </para>
/// </summary>
internal sealed class StepDivergence(int slots, TimeSpan deadline)
{
    private readonly Queue<int> _coming = new();
    private readonly Dictionary<int, double[]> _logRatios = [];
    private IReadOnlySet<int> _leftOut = new HashSet<int>();
    private bool _exchanges;

    /// <summary>Null: not known on this rank; always so on ranks of other stages than the last.</summary>
    public double? Value { get; private set; }

    public bool IsDone => _coming.Count == 0 && !_exchanges;

    /// <summary>The slot whose batch the next action needs; null where it needs none.</summary>
    public int? Needs => _coming.TryPeek(out var slot) ? slot : null;

    /// <summary>Plans the pass of a generation's slots, and discards an unfinished one.</summary>
    /// <param name="coming">Slots that the replica computes, ascending; the same on all of its ranks. A replica without any takes part in the exchange.</param>
    /// <param name="isLast">The rank is of the last stage.</param>
    /// <param name="holds">The rank holds slot gradients of the step.</param>
    /// <param name="leftOut">Slots of the step that nobody computes; they have no part in the value.</param>
    /// <exception cref="InvalidOperationException">A rank of the last stage holds slot gradients without the value that they were computed with.</exception>
    public void Start(IEnumerable<int> coming, bool isLast, bool holds, IReadOnlySet<int>? leftOut = null)
    {
        Drop();
        // Where no gradient depends on it, it is computed anew: a value that was at fault for different gradients is not used again.
        if (!holds) Forget();
        else if (isLast && Value is null) throw new InvalidOperationException("slot gradients are held without the step's divergence");
        foreach (var slot in coming) _coming.Enqueue(slot);
        _exchanges = isLast;
        _leftOut = leftOut ?? new HashSet<int>();
    }

    /// <summary>Scores a slot, or, after the last one, exchanges the values.</summary>
    /// <param name="batch">Batch of the slot in <see cref="Needs"/>; null where that is null.</param>
    /// <exception cref="InvalidOperationException">Ranks know different values, or the values together are not those of every slot once.</exception>
    public void Advance(SlotRunner runner, ISlotComputer computer, RankGroups groups, SlotBatch? batch)
    {
        if (_coming.TryDequeue(out var slot))
        {
            var mismatched = batch!.Mismatched ?? throw new InvalidOperationException($"slot {slot}: no mismatched sequences were fed");
            if (runner.Score(computer, groups, mismatched, frozenOnly: false) is { } scores) _logRatios.Add(slot, computer.LogRatios(mismatched, scores));
            return;
        }
        var all = groups.Data.AllGather(Message(), deadline);
        Value = Known(all) ?? Divergences.Mean(SlotFigures.Read(slots, [.. all.Select(message => message[1..])], _leftOut));
        _exchanges = false;
        _logRatios.Clear();
    }

    /// <summary>Discards an unfinished pass. The value stays.</summary>
    public void Drop()
    {
        _coming.Clear();
        _logRatios.Clear();
        _exchanges = false;
    }

    /// <summary>The parameters change, or the slot gradients that were computed with the value are dropped.</summary>
    public void Forget() => Value = null;

    // 1 and the value, or 0 and the values of this rank's slots.
    private byte[] Message() => Value is { } known ? [1, .. BitConverter.GetBytes(known)] : [0, .. SlotFigures.Write(_logRatios)];

    private static double? Known(byte[][] messages)
    {
        double? value = null;
        foreach (var message in messages.Where(message => message[0] == 1))
        {
            var known = BitConverter.ToDouble(message, 1);
            if (value is { } other && !other.Equals(known)) throw new InvalidOperationException($"ranks know the divergences {other:R} and {known:R} of one step");
            value = known;
        }
        return value;
    }
}
