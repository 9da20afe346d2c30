using System.Collections.Immutable;
using Tulu2.Collectives;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Outcomes;
using Tulu2.Protocol.Workers;

namespace Tulu2.Protocol.GradientSync;

/// <summary>
/// Checked slots: of some steps one slot is computed by two replicas, and by the same one twice where there is no other. All replicas add the same gradient up, also a wrong
/// one, so no hash of the sum shows a wrong computation; this does, before the step changes a weight.
/// </summary>
public sealed partial record GradientSyncState
{
    // Of the step being made.
    private SlotCheck? Check { get; init; }
    private SlotDispute? Dispute { get; init; }

    private GradientSyncState WithCheck(StepNumber step)
    {
        if (Dispute is { } dispute && dispute.Slot.Step == step)
            return this with { Check = new SlotCheck(dispute.Slot.Slot, [.. Enumerable.Range(0, Roster.Layout.Data)]) };
        return this with { Check = _rules.CheckEvery > 0 && step % _rules.CheckEvery == 0 && !PassesOver(step) ? AnyOf(step) : null, Dispute = null };
    }

    // The same slot in every generation: who holds it from before has its hash.
    private SlotCheck AnyOf(StepNumber step)
    {
        SlotNumber[] slots = [.. SlotNumber.In(new SlotRange(0, _rules.Slots)).Where(slot => !Quarantined.Contains(new StepSlot(step, slot)))];
        var number = Mixed((ulong)step.Value);
        var chosen = slots[number % (ulong)slots.Length];
        var owner = Roster.ReplicaOf(Members.First(seat => seat.Slots.Any(range => range.First <= chosen && chosen < range.End)).Rank);
        var others = Roster.Layout.Data - 1;
        return new SlotCheck(chosen, [others == 0 ? owner : (int)(((ulong)owner + 1 + Mixed(number) % (ulong)others) % (ulong)Roster.Layout.Data)]);
    }

    // SplitMix64: as good as a random number, and the same one for the same step.
    private static ulong Mixed(ulong number)
    {
        number += 0x9E3779B97F4A7C15;
        number = (number ^ (number >> 30)) * 0xBF58476D1CE4E5B9;
        number = (number ^ (number >> 27)) * 0x94D049BB133111EB;
        return number ^ (number >> 31);
    }

    // What comes before anything else is asked about a step of which every rank is ready; null: there is no objection.
    private Decision? CompareSlot(StepNumber step, TimeSpan now)
    {
        if (Check is not { } check) return null;
        var (slot, heard) = (new StepSlot(step, check.Slot), Testimonies(check.Slot).ToImmutableArray());
        // Who holds the whole sum of the step need not be who computed the slot.
        if (!DropsHeld && !Enumerable.Range(0, Roster.Layout.ReplicaSize).All(part => heard.Count(one => one.Part == part) > 1))
            return (this with { DropsHeld = true }).OpenGeneration($"{slot} is computed anew, to be checked", now);
        if (Dispute is not { } dispute)
        {
            if (SlotDispute.IsAgreed(heard)) return null;
            dispute = new SlotDispute(slot, heard);
            // What the ranks hold was computed by the same ones.
            return (this with { Dispute = dispute, DropsHeld = true }).OpenGeneration($"{slot} was computed twice, with unequal results: {dispute}", now);
        }
        var all = dispute with { Heard = dispute.Heard.AddRange(heard) };
        if (all.Faulty() is not { } faulty)
        {
            return Fail(new RunFailure($"{slot} was computed by all replicas, twice, and no majority says which result is right: {all}. One of them computes wrongly", "",
                BadInputFix: "see which of these machines computes wrongly (memory, processor, a libtorch of its own), and resume the run without it"));
        }
        string Wrong(Rank rank) => $"rank {rank}{(Seats[rank].Node.Length > 0 ? $" on {Seats[rank].Node}" : "")} computed {slot} wrongly";
        if (SlotDispute.IsAgreed(heard))
        {
            return To(this with { Dispute = null, Check = null }, [.. faulty.Select(rank => new SyncEffect.Warned(
                    $"{Wrong(rank)} once, and rightly since ({all}): nothing of it is in the weights, but its machine is not to be trusted"))])
                .Then(next => next.Compare(step, now));
        }
        return faulty.Length == Roster.Ranks.Length
            ? Fail(new RunFailure($"no rank computes {slot} twice with the same result: {all}", "",
                BadInputFix: "the kernels of these machines are not deterministic, or their memory is damaged; verify.slots: 0 turns the check off"))
            : (this with { Dispute = dispute with { Heard = [.. all.Heard.Where(one => !faulty.Contains(one.Rank))] } })
                .Replace([.. faulty.Select(rank => Seats[rank])], seat => $"{Wrong(seat.Rank)}: {all}", now);
    }

    private IEnumerable<SlotTestimony> Testimonies(SlotNumber slot)
    {
        foreach (var seat in Members)
        {
            if (seat.Ready!.Checked is not { } done || done.Slot != slot) continue;
            foreach (var hash in new[] { done.Own, done.Again }.OfType<string>()) yield return new SlotTestimony(PartOf(seat.Rank), seat.Rank, seat.Node, hash);
        }
    }

    // Its place in its replica: ranks with the same one compute the same part of a gradient.
    private int PartOf(Rank rank)
    {
        var replica = Roster.Replica(Roster.ReplicaOf(rank));
        return Enumerable.Range(0, replica.Count).First(place => replica[place] == rank);
    }
}
