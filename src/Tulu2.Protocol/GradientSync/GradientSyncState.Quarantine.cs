using System.Collections.Immutable;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Outcomes;
using Tulu2.Protocol.Workers;

namespace Tulu2.Protocol.GradientSync;

/// <summary>
/// Poisoned slots: one that was under way when workers ended, in several generations and whoever they were, is taken to be why. It ends the run, or is left out of its
/// step: that is in the ledger before the step goes on, so that every replay leaves it out.
/// </summary>
public sealed partial record GradientSyncState
{
    private Decision SlotBegun(WorkerReport.SlotBegun begun) =>
        IsMaking(begun.Step) && Counts(begun.Generation, begun.Rank) ? To(Seat(begun.Rank, seat => seat with { UnderWay = begun.Slot })) : Stay;

    private Decision JudgeSlots()
    {
        if (Phase is SyncPhase.Over) return Stay;
        var poisoned = Deaths.GroupBy(death => death.Slot).FirstOrDefault(deaths => Generations(deaths) >= _rules.MostDeaths);
        return poisoned is null ? Stay : Judge(poisoned.Key, [.. poisoned]);
    }

    private static int Generations(IEnumerable<SlotDeath> deaths) => deaths.Select(death => death.Generation).Distinct().Count();

    private Decision Judge(StepSlot slot, ImmutableArray<SlotDeath> deaths)
    {
        var ofMemory = deaths.All(death => death.OfMemory);
        var text = $"{slot} ended its workers {Generations(deaths)} times{(ofMemory ? " for want of memory" : "")} ({string.Join("; ", deaths)})";
        var rows = _rules.RowsOf(slot.Step, slot.Slot);
        if (Objection(slot) is { } objection)
            return Fail(new RunFailure($"{text}{(rows.Length > 0 ? $"; it has {rows}" : "")}{objection}", string.Join("\n", deaths), BadInputFix: Fix(ofMemory)));
        var next = this with
        {
            Quarantined = Quarantined.Add(slot),
            Deaths = Deaths.RemoveAll(death => death.Slot == slot),
            // The loss of so many workers was the slot's doing.
            Seats = [.. Seats.Select(seat => seat with { Losses = 0 })],
            DropsHeld = true,
        };
        var what = rows.Length > 0 ? rows : "its rows";
        return To(next, new SyncEffect.Quarantined(slot, rows, text),
            new SyncEffect.Warned($"{text}; it is left out of its step, whose loss is divided by what it was: {what} are not learnt there"));
    }

    private string Fix(bool ofMemory) =>
        $"{(ofMemory ? "see what a rank needs with `tulu2 plan`: data.max_length and batch.slot decide it" : "look at its rows and at the machine")}; "
            + $"{(_rules.QuarantinesSlots ? "" : "with on_poisoned_slot: quarantine such a slot is left out; ")}then resume the run";

    // Why a slot may not be left out; null: it may.
    private string? Objection(StepSlot slot)
    {
        if (!_rules.QuarantinesSlots) return "";
        if (Hashes.ContainsKey(slot.Step)) return "; the step was committed with it before, and so cannot be made without it";
        var left = Quarantined.Count(other => other.Step == slot.Step);
        return left < Math.Min(_rules.MostQuarantined, _rules.Slots - 1) ? null : $"; {left} slots of the step are left out already, so it is hardly the rows";
    }

    private ImmutableArray<StepSlot> LeftOutFrom(StepNumber step) =>
        [.. Quarantined.Where(slot => slot.Step >= step).OrderBy(slot => (slot.Step.Value, slot.Slot.Value))];
}
