using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Outcomes;
using Tulu2.Protocol.Workers;

namespace Tulu2.Protocol.GradientSync;

/// <summary>
/// Steps that are not finite. All ranks have the same sums, which their hashes prove before this is asked, so it is the step and no rank: computing it again would give the
/// same. It ends the run, or is committed and changes nothing. A replay comes to the same step, and so to the same decision.
/// </summary>
public sealed partial record GradientSyncState
{
    private const string NoFiniteStep = "lower optimizer.learning_rate or raise schedule.warmup and resume from a checkpoint of before; the weights are beyond repair";

    // Null: it is committed as skipped.
    private RunFailure? Refusal(StepNumber step, StepFault fault)
    {
        var slots = SlotsText(step, fault.Slots);
        if (!_rules.SkipsNonFinite) return new RunFailure($"step {step}: {fault.What}; the step was not applied", slots, BadInputFix: NonFiniteStepException.SkipFix);
        var skipped = SkippedBefore(step);
        var text = $"step {step}: {fault.What}, and none of the {skipped} steps before it was finite: no further step is skipped";
        return skipped < _rules.MostSkipped ? null : new RunFailure(text, slots, BadInputFix: NoFiniteStep);
    }

    // Of a step that is committed.
    private string SkipText(StepNumber step, StepFault fault)
    {
        var slots = SlotsText(step, fault.Slots);
        if (slots.Length == 0) slots = "no slot by itself is at fault";
        return $"step {step} is skipped: {fault.What}; {slots}. No weight and no moment was changed; "
            + $"after {_rules.MostSkipped} such steps in a row one more ends the run ({Skipped.Count} so far, {SkippedBefore(step.Next())} in a row)";
    }

    // The steps directly before this one that were skipped.
    private int SkippedBefore(StepNumber step)
    {
        var first = step.Value;
        while (new StepNumber(first - 1) is var before && Skipped.Contains(before) && !PassesOver(before)) first--;
        return step - first;
    }

    // What people look at: the slots, and whose rows they have.
    private string SlotsText(StepNumber step, IEnumerable<SlotNumber> slots) => string.Join("; ", slots.Select(slot => SlotText(step, slot)));

    private string SlotText(StepNumber step, SlotNumber slot) => _rules.RowsOf(step, slot) is { Length: > 0 } rows ? $"slot {slot}: {rows}" : $"slot {slot}";
}
