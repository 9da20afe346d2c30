using System.Collections.Immutable;
using Tulu2.Collectives;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Outcomes;
using Tulu2.Protocol.Workers;

namespace Tulu2.Protocol.GradientSync;

/// <summary>Making steps: begin or recover one, compare the hashes, decide the commit.</summary>
public sealed partial record GradientSyncState
{
    // The first step of a generation: what the ranks say they have decides which one it is.
    private Decision Begin(TimeSpan now)
    {
        var (highest, copies) = Newest();
        if (copies is null && Restorable() is { } first) return OpenGeneration("whoever can have the newest state comes to it first", now, first);
        // Without a live twin or a copy, what a rank has to have is on disk only, and all go back to it together.
        var reload = copies is null;
        var made = reload ? Manifest?.Step ?? default : highest;
        var (transfer, entry) = copies switch
        {
            null when Manifest is { } manifest => (new StateTransfer.FromManifest(manifest.Path), StepEntry.Loading),
            null => (new StateTransfer.FromRecipe(), StepEntry.Loading),
            [] => (new StateTransfer.None(), StepEntry.Resuming),
            _ => ((StateTransfer)new StateTransfer.FromPeer(copies), StepEntry.Copying),
        };
        var standby = Standby(reload, highest, copies ?? []);
        if (IsUnsettled(made)) return (this with { Keepers = [.. standby.Keepers] }).Restore(made, transfer, standby, entry, now);
        var (step, shares) = (made.Next(), Shares(reload, highest));
        var next = this with
        {
            Phase = new SyncPhase.Running(step, now, entry),
            Tie = Tie is { } tie ? tie with { Retried = true } : null,
            Keepers = [.. standby.Keepers],
        };
        next = next.Each(seat => seat.Assigned(
            step, Share(seat).Keep, Share(seat).Compute, entry == StepEntry.Loading ? RankWork.Loading : RankWork.Computing, now)).WithCheck(step);
        return next.Tell(RunPhase.Training).Do(Overtaken()).Do(Members.Select(seat => new SyncEffect.Tell(
            seat.Rank, new WorkerCommand.Begin(Generation, step, transfer, Share(seat).Keep, Share(seat).Compute)
            {
                Standby = standby,
                LeftOut = LeftOutFrom(step),
                PassedOver = PassedOverFrom(step),
                Check = next.Check,
            })));

        SlotShare Share(RankSeat seat) => shares[Roster.ReplicaOf(seat.Rank)];
    }

    // Where no rank has a twin, by the run's layout or by that which it is to have. Keepers are by rank, which is then its place.
    private bool KeepsCopies => _rules.Standby && Roster.Layout.MayKeepCopies && (IsWhole || _rules.Layout.MayKeepCopies) && Roster.Ranks[^1] == Roster.Ranks.Length - 1;

    private StandbyOrder Standby(bool reload, StepNumber step, IReadOnlyCollection<PeerCopy> copies)
    {
        if (!KeepsCopies) return StandbyOrder.None;
        Rank?[] held = [.. Members.Select(seat => reload ? null : seat.BringsCopyAt(step, Hashes.GetValueOrDefault(step)))];
        var keepers = StandbyKeepers.Of([.. Members.Select(seat => seat.Node)], held, [.. copies.SelectMany(copy => copy.Receivers)]);
        return new StandbyOrder(keepers, [.. Roster.Ranks.Where(rank => held[keepers[rank]] != rank)]);
    }

    // A commit that was overtaken by this generation: its snapshot will never come from the ranks that do not have its step.
    private IEnumerable<SyncEffect> Overtaken()
    {
        if (Snapshot is not SnapshotStatus.InFlight flight) yield break;
        var never = Members.Where(seat => seat.Joined!.StateStep < flight.Step).Select(seat => seat.Rank).ToImmutableArray();
        if (!never.IsEmpty) yield return new SyncEffect.SnapshotRanksGone(flight.Step, never);
    }

    // By replica: its ranks have the same share of the slots.
    private IReadOnlyList<SlotShare> Shares(bool reload, StepNumber highest)
    {
        var drop = reload || DropsHeld || Tie is { Retried: false };
        return SlotAssignment.Recover(_rules.Slots, [.. Enumerable.Range(0, Roster.Layout.Data).Select(replica => drop ? [] : HeldBy(Roster.Replica(replica), highest))]);
    }

    // The newest step that the ranks can come to, and who gives its state to whom; null: none without a checkpoint.
    private (StepNumber Step, PeerCopy[]? Copies) Newest()
    {
        StepNumber[] steps = [.. Members.Select(seat => seat.Joined!.StateStep).Distinct().OrderDescending()];
        // A rank that was left out for a while may have a step that the others do not come to any more.
        foreach (var step in steps.Where(step => step >= 0))
        {
            // The commit was decided, and reached nobody before this generation did.
            var decided = step.Next();
            if (decided == Decided && Copies(decided) is { } applied) return Unless(decided, applied);
            if (Copies(step) is { } copies) return Unless(step, copies);
        }
        return (steps[0], null);

        // Workers that were left behind some generations ago, say: the checkpoint is newer than all that they have.
        (StepNumber, PeerCopy[]?) Unless(StepNumber step, PeerCopy[] copies) => Manifest?.Step > step ? (step, null) : (step, copies);
    }

    // Who gives whom the state of a step; null where a rank is behind and neither a twin nor a copy of it has that step.
    private PeerCopy[]? Copies(StepNumber highest) => Copies(highest, Roster);

    private PeerCopy[]? Copies(StepNumber highest, Roster among)
    {
        RankSeat[] members = [.. among.Ranks.Select(rank => Seats[rank])];
        var hash = Hashes.GetValueOrDefault(highest);
        Rank? Source(RankSeat seat) => (among.Twins(seat.Rank).Select(twin => Seats[twin]).FirstOrDefault(twin => twin.Brings(highest, hash))
            ?? members.FirstOrDefault(keeper => keeper.BringsCopyAt(highest, hash) == seat.Rank))?.Rank;
        var copies = members.Where(seat => !seat.Brings(highest, hash)).GroupBy(Source).ToArray();
        return copies.Any(copy => copy.Key is null) ? null : [.. copies.Select(copy => new PeerCopy(copy.Key!.Value, [.. copy.Select(seat => seat.Rank)]))];
    }

    // A standby copy is that of one rank, and not of the twins that have come since: the ranks that lack neither state nor source, where they are whole copies. The others
    // come after the next commit. Null: the newest state is on disk only, or there is none.
    private Roster? Restorable()
    {
        var highest = Members.Max(seat => seat.Joined!.StateStep);
        if (highest < 0 || !_rules.Standby) return null;
        var decided = highest.Next();
        return (decided == Decided ? Among(decided) : null) ?? Among(highest);

        Roster? Among(StepNumber step)
        {
            if (Manifest?.Step > step) return null;
            Rank[] there = [.. Roster.Ranks.Chunk(Wanted.CopySize).Where(copy => copy.All(HasSource)).SelectMany(copy => copy)];
            return there.Length > 0 && there.Length < Roster.Ranks.Length && new Roster(Wanted, there) is var roster && Copies(step, roster) is not null ? roster : null;

            bool HasSource(Rank rank)
            {
                var hash = Hashes.GetValueOrDefault(step);
                return Roster.Twins(rank).Any(twin => Seats[twin].Brings(step, hash)) || Members.Any(keeper => keeper.BringsCopyAt(step, hash) == rank);
            }
        }
    }

    // A slot's gradient is in parts on the ranks of its replica: it counts where all of them hold it, in the same sums.
    private IReadOnlyList<SlotRange> HeldBy(IReadOnlyList<Rank> replica, StepNumber step)
    {
        IEnumerable<SlotRange> Of(Rank rank) => Seats[rank].Joined!.StateStep == step ? Seats[rank].Joined!.Held : [];
        return [.. replica.Skip(1).Aggregate(Of(replica[0]), (held, rank) => held.Intersect(Of(rank)))];
    }

    private bool Counts(Generation generation, Rank rank) => generation == Generation && Seats[rank].IsMember;

    private bool IsMaking(StepNumber step) => Phase is SyncPhase.Running running && running.Step == step;

    private Decision SlotDone(WorkerReport.SlotDone slot, TimeSpan now)
    {
        if (!IsMaking(slot.Step) || !Counts(slot.Generation, slot.Rank)) return Stay;
        return To(Seat(slot.Rank, seat => seat with
        {
            Pending = seat.Pending.Remove(slot.Slot),
            UnderWay = seat.UnderWay == slot.Slot ? null : seat.UnderWay,
            Seconds = seat.Seconds.SetItem(slot.Slot, slot.Seconds),
            Progress = now,
        }));
    }

    private Decision StepReady(WorkerReport.StepReady ready, TimeSpan now)
    {
        if (Phase is not SyncPhase.Running running || running.Step != ready.Step || !Counts(ready.Generation, ready.Rank)) return Stay;
        var next = Seat(ready.Rank, seat => seat with { Ready = ready, Pending = [], UnderWay = null, IsSettled = true, Progress = now });
        return next.Members.All(seat => seat.Ready is not null)
            ? (next with { Phase = running with { AllReady = now } }).Compare(running.Step, now)
            : To(next);
    }

    private Decision Compare(StepNumber step, TimeSpan now)
    {
        if (CompareSlot(step, now) is { } objection) return objection;
        var known = Hashes.GetValueOrDefault(step);
        var groups = Members.GroupBy(seat => seat.Ready!.GradientHash).OrderByDescending(group => group.Count()).ToArray();
        if (groups.Length == 1)
        {
            return known is null || known == groups[0].Key
                ? Commit(now)
                : Fail(new RunFailure(
                    $"step {step} is not the step it was: its gradient now has the hash {groups[0].Key}, the ledger has {known}. " +
                    "The same bits need the same CPU type and the same libtorch build as before", ""));
        }
        // More than half agree, or some agree with the ledger: the others are corrupt.
        var sound = groups.FirstOrDefault(group => group.Key == known) ?? (2 * groups[0].Count() > Roster.Ranks.Length ? groups[0] : null);
        if (sound is not null)
        {
            var corrupt = Members.Where(seat => seat.Ready!.GradientHash != sound.Key).ToArray();
            return Replace(corrupt, seat => $"its gradient of step {step} has the hash {seat.Ready!.GradientHash}, the others have {sound.Key}", now);
        }
        var hashes = string.Join(", ", Members.Select(seat => $"rank {seat.Rank} {seat.Ready!.GradientHash}"));
        return Tie?.Step == step
            ? Fail(new RunFailure(
                $"the ranks came twice to different gradients of step {step} and no majority says which is right: {hashes}. One of them computes wrongly", ""))
            : (this with { Tie = new HashTie(step, Retried: false) }).OpenGeneration($"unequal gradients of step {step} without a majority: {hashes}", now);
    }

    // Decides the commit once every rank is ready; the last one waits for a snapshot in flight, since it takes one itself.
    private Decision Commit(TimeSpan now)
    {
        if (Phase is not SyncPhase.Running { AllReady: { } allReady } running) return Stay;
        var step = running.Step;
        // The ranks wait for what follows from the validation; a run that is stopped validates when it is resumed.
        var validates = !StopsAt(step) && IsValidated(step);
        var last = !validates && (step == LastStep || StopsAt(step));
        if (last && Snapshot is SnapshotStatus.InFlight) return Stay;
        var (first, shares) = (Members.First().Ready!, Members.Select(seat => seat.Share(ReportsSlots(seat.Rank))).ToImmutableArray());
        if (Objection(step, first) is { } objection) return RollBack(step, objection);
        var isPassedOver = PassesOver(step);
        if (first.Fault is { } fault && !isPassedOver && Refusal(step, fault) is { } refusal) return Fail(refusal);
        var changes = !last && !validates && RosterIsDue;
        // Its checkpoint has what would go with those that leave.
        var due = last || (changes && !OthersHaveTheState) || (_rules.CheckpointEvery > 0 && step % _rules.CheckpointEvery == 0);
        var snapshots = Snapshot.AtCommit(step, due, now);
        var snapshot = Snapshot is not SnapshotStatus.InFlight && snapshots is SnapshotStatus.InFlight;
        var next = this with
        {
            Phase = last ? new SyncPhase.Finishing()
                : validates ? new SyncPhase.Validating(step, StepEntry.InStride)
                : changes ? new SyncPhase.Changing(step)
                : new SyncPhase.Running(step.Next(), now, StepEntry.InStride),
            LastStep = last ? step : LastStep,
            Hashes = Hashes.SetItem(step, first.GradientHash),
            Decided = step,
            Deaths = Deaths.RemoveAll(death => death.Slot.Step <= step),
            Skipped = first.Fault is null ? Skipped.Remove(step) : Skipped.Add(step),
            LossOf = _rules.Spike is not null && first.Fault is null ? LossOf.SetItem(step, first.Metrics.Loss) : LossOf,
            Unmet = 0,
            DropsHeld = false,
            Snapshot = snapshots,
            SavedFor = snapshot ? step : SavedFor,
            // Waiting for a snapshot is not the ranks' pace.
            Lease = running.Entry == StepEntry.InStride ? Lease.With(allReady - running.Began) : Lease,
        };
        var goesOn = next.Phase is SyncPhase.Running;
        next = next.Each(seat => goesOn
            ? Onward(seat, step.Next(), now) with { Losses = 0 }
            : seat with { Applied = null, Work = RankWork.Computing, Progress = now, Losses = 0 });
        next = goesOn ? next.WithCheck(step.Next()) : next with { Check = null };
        var decision = To(next, new SyncEffect.Committed(new StepCommit(
            Generation, step, first.GradientHash, first.Metrics, shares, (now - running.Began).TotalSeconds, Hashes.ContainsKey(step))
        {
            Skipped = first.Fault,
            Samples = [.. SlotNumber.In(new SlotRange(0, _rules.Slots)).Select(slot => _rules.SamplesOf(step, slot))],
            LeftOut = [.. Quarantined.Where(slot => slot.Step == step).Select(slot => slot.Slot).OrderBy(slot => slot.Value)],
            Checked = Check?.Slot,
        }));
        if (first.Fault is { } skipped && !isPassedOver) decision = decision.Then(after => To(after, new SyncEffect.Warned(after.SkipText(step, skipped))));
        if (snapshot) decision = decision.Do(new SyncEffect.SnapshotBegun(step, Roster));
        return decision
            .Do(TellCommit(step, snapshot, last ? AfterCommit.End : validates || changes ? AfterCommit.Wait : AfterCommit.GoOn, next.Check))
            .When(last, after => after.Tell(RunPhase.Finishing))
            .When(validates, after => after.Validate(step, now));
    }

    private IEnumerable<SyncEffect> TellCommit(StepNumber step, bool snapshot, AfterCommit then, SlotCheck? check = null) =>
        Roster.Ranks.Select(rank => new SyncEffect.Tell(rank, new WorkerCommand.Commit(Generation, step, snapshot, then) { CheckNext = check }));

    // One rank of each replica counts its slots; the others did parts of the same.
    private bool ReportsSlots(Rank rank) => Roster.Layout.CoordinatesOf(Roster.PlaceOf(rank)) is { Pipeline: 0, Tensor: 0 };

    private RankSeat Onward(RankSeat seat, StepNumber step, TimeSpan now) =>
        (seat with { Applied = null }).Assigned(step, [], SlotsOf(seat.Rank), RankWork.Computing, now);

    // The slots of a rank in an undisturbed step: those of its replica.
    private IReadOnlyList<SlotRange> SlotsOf(Rank rank) => SlotAssignment.Range(_rules.Slots, Roster.Layout.Data, Roster.ReplicaOf(rank)) is { } range ? [range] : [];

    private Decision Applied(WorkerReport.Applied applied, TimeSpan now)
    {
        // One that comes late or twice must not take back a later one; the last step's commit is told once more where it was validated first.
        if (!Counts(applied.Generation, applied.Rank) || Seats[applied.Rank].HasEnded(applied.Step)) return Stay;
        if (Seats[applied.Rank].Applied?.Step is { } before && (before > applied.Step || (before == applied.Step && applied.Then != AfterCommit.End))) return Stay;
        return To(Seat(applied.Rank, seat => seat with { Applied = applied, IsSettled = true, Progress = now })).Then(next => next.Finish()).Then(next => next.HasArrived(now)).Then(next => next.MoveCopies(now));
    }

    // Ranks came back on other nodes than they were lost on. Their copies, from which they were restored, could not move at once; each rank has its own state now.
    private Decision MoveCopies(TimeSpan now) =>
        !Keepers.IsEmpty && Phase is SyncPhase.Running { AllReady: null } running && Members.All(seat => seat.Has(new StepNumber(running.Step - 1)))
            && !StandbyKeepers.AreApart([.. Members.Select(seat => seat.Node)], Keepers)
            ? OpenGeneration("standby copies go to other nodes", now)
            : Stay;
}
