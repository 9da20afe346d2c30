using System.Collections.Immutable;
using Tulu2.Collectives;
using Tulu2.Protocol.Outcomes;
using Tulu2.Protocol.Workers;

namespace Tulu2.Protocol.GradientSync;

/// <summary>Making steps: begin or recover one, compare the hashes, decide the commit.</summary>
public sealed partial record GradientSyncState
{
    // The first step of a generation: what the ranks say they have decides which one it is.
    private Decision Begin(TimeSpan now)
    {
        var highest = Seats.Max(seat => seat.Joined!.StateStep);
        // The end was decided but its checkpoint is lost with a rank: no step is left to make from here, so the last ones are made again.
        var reload = highest < 0 || highest >= (Final ?? _rules.LastStep);
        var from = reload ? Manifest?.Step ?? 0 : highest;
        var copies = reload ? null : Copies(highest);
        // Without a live twin what a rank has to have is on disk only, and all go back to it together.
        if (copies is null) (reload, from) = (true, Manifest?.Step ?? 0);
        StateTransfer transfer = reload
            ? Manifest is { } manifest ? new StateTransfer.FromManifest(manifest.Path) : new StateTransfer.FromRecipe()
            : copies is [] ? new StateTransfer.None()
            : new StateTransfer.FromPeer(copies!);

        var replicas = Enumerable.Range(0, _rules.Layout.Data).Select(data => reload || DropHeld ? [] : HeldBy(_rules.Layout.Replica(data), highest)).ToArray();
        var replicaShares = SlotAssignment.Recover(_rules.Slots, replicas);
        SlotShare[] shares = [.. Seats.Select(seat => replicaShares[_rules.Layout.CoordinatesOf(seat.Rank).Data])];
        var next = this with
        {
            Phase = SyncPhase.Running,
            Step = from + 1,
            Begun = true,
            DropHeld = false,
            StateMoves = transfer is not StateTransfer.None,
            StateLoads = transfer is StateTransfer.FromRecipe or StateTransfer.FromManifest,
            StepBegan = now,
            Seats = [.. Seats.Select((seat, rank) => (seat with
            {
                // Seconds belong to the step that is recovered; another one starts afresh.
                Seconds = from + 1 == Step ? seat.Seconds : ImmutableDictionary<int, double>.Empty,
            }).Assigned(shares[rank].Keep, shares[rank].Compute, now))],
        };
        var decision = next.Tell(RunPhase.Training);
        if (SnapshotInFlight is { } snapshot)
        {
            // A commit that was overtaken by this generation: its snapshot will never come from these.
            var never = Seats.Where(seat => seat.Joined!.StateStep < snapshot).Select(seat => seat.Rank).ToImmutableArray();
            if (!never.IsEmpty) decision = decision.Do(new SyncEffect.SnapshotRanksGone(snapshot, never));
        }
        return decision.Do(Seats.Select((seat, rank) =>
            new SyncEffect.Tell(rank, new WorkerCommand.Begin(Generation, from + 1, transfer, shares[rank].Keep, shares[rank].Compute))));
    }

    // Who gives whom the state of the highest step; null where a rank is behind and no twin of it has that step.
    private PeerCopy[]? Copies(int highest)
    {
        var layout = _rules.Layout;
        var copies = Seats.Where(seat => seat.Joined!.StateStep != highest)
            .GroupBy(seat => layout.Twins(seat.Rank).Cast<int?>().FirstOrDefault(twin => Seats[twin!.Value].Joined!.StateStep == highest))
            .ToArray();
        return copies.Any(copy => copy.Key is null) ? null : [.. copies.Select(copy => new PeerCopy(copy.Key!.Value, [.. copy.Select(seat => seat.Rank)]))];
    }

    // A slot's gradient is in parts on the ranks of its replica: it counts where all of them hold it, in the same sums.
    private IReadOnlyList<SlotRange> HeldBy(IReadOnlyList<int> replica, int step)
    {
        IEnumerable<SlotRange> Of(int rank) => Seats[rank].Joined!.StateStep == step ? Seats[rank].Joined!.Held : [];
        return [.. replica.Skip(1).Aggregate(Of(replica[0]), (held, rank) => held.Intersect(Of(rank)))];
    }

    private bool Counts(long generation, int rank) => generation == Generation && Seats[rank].IsMember;

    private Decision SlotDone(WorkerReport.SlotDone slot, TimeSpan now)
    {
        if (Phase != SyncPhase.Running || !Counts(slot.Generation, slot.Rank) || slot.Step != Step) return Stay;
        return To(Seat(slot.Rank, seat => seat with
        {
            Pending = seat.Pending.Remove(slot.Slot),
            Seconds = seat.Seconds.SetItem(slot.Slot, slot.Seconds),
            Progress = now,
        }));
    }

    private Decision StepReady(WorkerReport.StepReady ready, TimeSpan now)
    {
        if (Phase != SyncPhase.Running || !Counts(ready.Generation, ready.Rank) || ready.Step != Step) return Stay;
        var next = Seat(ready.Rank, seat => seat with { Ready = ready, Pending = [], Progress = now });
        return next.Seats.All(seat => seat.Ready is not null) ? (next with { ReadyAt = now }).Compare(now) : To(next);
    }

    private Decision Compare(TimeSpan now)
    {
        var known = Hashes.GetValueOrDefault(Step);
        var groups = Seats.GroupBy(seat => seat.Ready!.GradientHash).OrderByDescending(group => group.Count()).ToArray();
        if (groups.Length == 1)
        {
            return known is null || known == groups[0].Key
                ? Commit(now)
                : Fail(new RunFailure(
                    $"step {Step} is not the step it was: its gradient now has the hash {groups[0].Key}, the ledger has {known}. " +
                    "The same bits need the same CPU type and the same libtorch build as before", ""));
        }
        // More than half agree, or some agree with the ledger: the others are corrupt.
        var sound = groups.FirstOrDefault(group => group.Key == known) ?? (2 * groups[0].Count() > Seats.Length ? groups[0] : null);
        if (sound is not null)
        {
            var corrupt = Seats.Where(seat => seat.Ready!.GradientHash != sound.Key).ToArray();
            return Replace(corrupt, seat => $"its gradient of step {Step} has the hash {seat.Ready!.GradientHash}, the others have {sound.Key}");
        }
        var hashes = string.Join(", ", Seats.Select(seat => $"rank {seat.Rank} {seat.Ready!.GradientHash}"));
        if (TieAt == Step)
        {
            return Fail(new RunFailure(
                $"the ranks came twice to different gradients of step {Step} and no majority says which is right: {hashes}. One of them computes wrongly", ""));
        }
        return To(this with { TieAt = Step, DropHeld = true, Why = $"unequal gradients of step {Step} without a majority: {hashes}" })
            .Then(next => next.OpenGeneration(now));
    }

    // Decides the commit once every rank is ready; the last one waits for a snapshot in flight, since it takes one itself.
    private Decision Commit(TimeSpan now)
    {
        if (Phase != SyncPhase.Running || Seats.Any(seat => seat.Ready is null)) return Stay;
        var last = Step == (Final ?? _rules.LastStep) || Stopping;
        var due = last || SnapshotDue || (_rules.CheckpointEvery > 0 && Step % _rules.CheckpointEvery == 0);
        if (last && SnapshotInFlight is not null) return Stay;
        var snapshot = due && SnapshotInFlight is null;

        var seconds = now - StepBegan;
        var first = Seats[0].Ready!;
        var commit = new StepCommit(
            Generation, Step, first.GradientHash, first.Metrics, [.. Seats.Select(seat => seat.Share(SpeaksForSlots(seat.Rank)))], seconds.TotalSeconds, Hashes.ContainsKey(Step));
        var next = this with
        {
            Committed = Math.Max(Committed, Step),
            Hashes = Hashes.SetItem(Step, first.GradientHash),
            SnapshotDue = due && !snapshot,
            SnapshotInFlight = snapshot ? Step : SnapshotInFlight,
            SnapshotBegan = snapshot ? now : SnapshotBegan,
            StateMoves = false,
            StateLoads = false,
            // Waiting for a snapshot is not the ranks' pace.
            Lease = InStride ? Lease.With(ReadyAt - StepBegan) : Lease,
            InStride = true,
            StepBegan = now,
            Step = last ? Step : Step + 1,
            Final = last ? Step : Final,
            Phase = last ? SyncPhase.Finishing : SyncPhase.Running,
            Seats = [.. Seats.Select(seat => last ? seat with { Applied = null, Progress = now } : Onward(seat, now))],
        };
        var decision = To(next, new SyncEffect.Committed(commit));
        if (snapshot) decision = decision.Do(new SyncEffect.SnapshotBegun(Step));
        return decision
            .Do(Seats.Select(seat => new SyncEffect.Tell(seat.Rank, new WorkerCommand.Commit(Generation, Step, snapshot, last))))
            .When(last, after => after.Tell(RunPhase.Finishing));
    }

    // One rank of each replica counts its slots; the others did parts of the same.
    private bool SpeaksForSlots(int rank) => _rules.Layout.CoordinatesOf(rank) is { Pipeline: 0, Tensor: 0 };

    private RankSeat Onward(RankSeat seat, TimeSpan now) => (seat with { Applied = null, Seconds = ImmutableDictionary<int, double>.Empty })
        .Assigned([], _rules.SlotsOf(seat.Rank), now);

    private Decision Applied(WorkerReport.Applied applied, TimeSpan now)
    {
        // One that comes late or twice must not take back a later one.
        if (!Counts(applied.Generation, applied.Rank) || Seats[applied.Rank].Applied?.Step >= applied.Step) return Stay;
        return To(Seat(applied.Rank, seat => seat with { Applied = applied, Progress = now })).Then(next => next.Finish());
    }
}
