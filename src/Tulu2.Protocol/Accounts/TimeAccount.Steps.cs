using System.Collections.Immutable;
using Tulu2.Protocol.GradientSync;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;

namespace Tulu2.Protocol.Accounts;

/// <summary>The time of steps, from one commit to the next, and where a generation begins to compute.</summary>
public sealed partial record TimeAccount
{
    // What the ranks measured themselves goes to its class; what is left of the time between the commits, they waited.
    private TimeAccount Committed(GradientSyncState before, GradientSyncState after, StepCommit commit)
    {
        // All end the gradients' sum together: whoever came to it last took part only, the others also waited for it.
        var sum = commit.Shares.Min(share => share.Times.Reduce);
        var held = before.Phase is SyncPhase.Running { AllReady: { } ready } ? Now - Micros(ready) : 0;
        var doing = after.Phase switch
        {
            SyncPhase.Validating => RankDoing.Scoring,
            SyncPhase.Finishing => RankDoing.Finishing,
            _ => RankDoing.Stepping,
        };
        var shares = commit.Shares.ToDictionary(share => share.Rank, share => share.Times);
        var transfer = shares.Where(share => Clocks[share.Key].IsFirst).Select(share => Micros(share.Value.Transfer)).DefaultIfEmpty().Max();
        return Each((rank, clock) =>
        {
            if (!shares.TryGetValue(rank, out var times)) return clock.BookRest(Now);
            var update = clock.IsFirst ? 0 : Micros((before.Seats[rank].Applied?.Seconds ?? 0) - times.Stall) + clock.Applied;
            var work = Micros(times.Compute) + Micros(times.TensorSums) + Micros(sum) + update;
            return clock
                .Book(TimeClass.Restore, clock.IsFirst ? Micros(times.Transfer) : 0, Now)
                .Book(TimeClass.CheckpointStall, held + (clock.IsFirst ? 0 : Micros(times.Stall)), Now)
                .Book(commit.Replayed ? TimeClass.Redo : TimeClass.Useful, work, Now)
                .BookRest(TimeClass.Wait, Now) with
            { Doing = doing, IsFirst = false, Held = 0, Applied = 0 };
        }).Cut().Recover(before, commit, transfer);
    }

    // The ranks of a generation are told to begin: whoever had its state until now was waiting for the others, and what it computed and still holds was not in vain.
    private TimeAccount Entered(GradientSyncState before, Decision decision)
    {
        var after = decision.Next;
        if (after.Phase is SyncPhase.Keeping && before.Phase is not SyncPhase.Keeping) return Turn(after, RankDoing.Keeping);
        if (after.Phase is SyncPhase.Finishing && !decision.Effects.Any(effect => effect is SyncEffect.Committed)) return Turn(after, RankDoing.Finishing);
        var begins = decision.Effects.OfType<SyncEffect.Tell>().Where(tell => tell.Command is WorkerCommand.Begin or WorkerCommand.Restore)
            .GroupBy(tell => tell.Rank).ToDictionary(tells => tells.Key, tells => tells.Last().Command);
        if (begins.Count == 0) return this;
        return Each((rank, clock) =>
        {
            if (!begins.TryGetValue(rank, out var command)) return LeftOut(clock, after, rank);
            if (clock.Doing == RankDoing.Stepping) clock = Settled(clock, before.Seats[rank], command);
            return clock.BookRest(Now) with { Doing = command is WorkerCommand.Begin ? RankDoing.Stepping : RankDoing.Restoring, IsFirst = true, Applied = 0 };
        }).Began().Cut();
    }

    // What it did since the last commit, and still has.
    private RankClock Settled(RankClock clock, RankSeat seat, WorkerCommand command)
    {
        clock = clock.Book(TimeClass.Useful, clock.Applied, Now);
        var keep = command is WorkerCommand.Begin begin && begin.Step == seat.Step ? begin.Keep.SelectMany(SlotNumber.In).ToImmutableHashSet() : [];
        var (held, lost) = (0L, 0L);
        foreach (var (slot, seconds) in seat.Seconds)
        {
            if (keep.Contains(slot)) held += Micros(seconds);
            else lost += Micros(seconds);
        }
        // What was booked as held, and is not any more, is among what was lost.
        var gone = Math.Max(0, clock.Held - held);
        clock = clock.Hold(held, Now).Book(TimeClass.Redo, lost - gone, Now);
        return keep.IsEmpty ? clock with { Held = 0 } : clock;
    }

    private TimeAccount BeganScoring(GradientSyncState after) => Each((rank, clock) =>
        after.Roster.Contains(rank) ? clock.BookRest(Now) with { Doing = RankDoing.Scoring, Held = 0, Applied = 0 } : LeftOut(clock, after, rank)).Began().Cut().Scores();

    // A generation goes without the rank.
    private RankClock LeftOut(RankClock clock, GradientSyncState after, Rank rank)
    {
        var isUp = rank < after.Seats.Length && after.Seats[rank].Up;
        var doing = isUp ? RankDoing.Restoring : clock.Doing == RankDoing.Starting ? RankDoing.Starting : RankDoing.Away;
        return clock.BookRest(Now) with { Doing = doing, Held = 0, Applied = 0 };
    }

    private TimeAccount Turn(GradientSyncState after, RankDoing to) =>
        Each((rank, clock) => after.Roster.Contains(rank) && clock.Doing is not RankDoing.Restoring ? clock.BookRest(Now) with { Doing = to } : clock);

    // It has the state of the step that is validated.
    private TimeAccount Brought(Rank rank, GradientSyncState after) =>
        after.Phase is SyncPhase.Validating && Clocks[rank].Doing == RankDoing.Restoring && after.Roster.Contains(rank)
            ? Set(rank, Clocks[rank].BookRest(Now) with { Doing = RankDoing.Scoring })
            : this;
}
