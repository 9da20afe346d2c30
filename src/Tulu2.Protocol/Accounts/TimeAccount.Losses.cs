using System.Collections.Immutable;
using Tulu2.Protocol.GradientSync;
using Tulu2.Protocol.Ids;

namespace Tulu2.Protocol.Accounts;

/// <summary>The time of ranks that are lost, and what each recovery consists of.</summary>
public sealed partial record TimeAccount
{
    /// <summary>A loss that is not made good yet. Times in microseconds of the supervisor's clock.</summary>
    private sealed record Loss(Rank? Rank, long Ended, long Noticed)
    {
        /// <summary>Slots that the worker had computed or under way: they are computed again.</summary>
        public ImmutableHashSet<StepSlot> Slots { get; init; } = [];

        /// <summary>When a worker came in its place; null: none has.</summary>
        public long? Came { get; init; }

        public Generation Generation { get; init; }
        public long? Opened { get; init; }
        public long? Began { get; init; }

        /// <summary>When the last rank had its state; known from the first commit on.</summary>
        public long? Ready { get; init; }

        public long Redone { get; init; }
    }

    private TimeAccount Lost(GradientSyncState before, Rank rank, TimeSpan? ago)
    {
        var (seat, clock) = (before.Seats[rank], Clocks[rank]);
        // One that never came up had nothing that could be lost.
        if (!seat.Up) return this;
        var ended = Math.Clamp(ago is { } time ? Now - Micros(time) : Micros(seat.Progress), Math.Min(clock.Since, Now), Now);
        clock = clock.Doing == RankDoing.Stepping ? Dropped(clock, seat, before.Phase, ended) : clock.BookRest(ended);
        var next = Set(rank, clock.BookRest(TimeClass.Detect, Now) with { Doing = RankDoing.Restoring, Held = 0, Applied = 0 });
        if (!before.Roster.Contains(rank) && before.Phase is not SyncPhase.Gathering) return next;
        var slots = seat.Seconds.Keys.Concat(seat.UnderWay is { } underWay ? [underWay] : []).Select(slot => new StepSlot(seat.Step, slot));
        return next with { Losses = next.Losses.Add(new Loss(rank, ended, Now) { Slots = [.. slots] }) };
    }

    // What it did since the last commit has gone with its worker.
    private static RankClock Dropped(RankClock clock, RankSeat seat, SyncPhase phase, long ended)
    {
        clock = clock.Hold(0, ended).Book(TimeClass.Useful, clock.Applied + (clock.IsFirst ? 0 : Micros(seat.Applied?.Seconds ?? 0)), ended);
        var slots = seat.Seconds.Values.Sum(Micros);
        if (phase is not SyncPhase.Running) return clock.Book(TimeClass.Redo, slots, ended).BookRest(TimeClass.Wait, ended);
        if (clock.IsFirst && slots == 0 && seat is { UnderWay: null, Ready: null }) return clock.BookRest(TimeClass.Restore, ended);
        return (seat.Ready is null ? clock : clock.Book(TimeClass.Redo, Micros(seat.Progress) - clock.Since, ended).BookRest(TimeClass.Wait, ended)).BookRest(TimeClass.Redo, ended);
    }

    private TimeAccount Came(Rank rank)
    {
        var clock = Clocks[rank];
        var next = clock.Doing == RankDoing.Away ? Set(rank, clock.BookRest(Now) with { Doing = RankDoing.Restoring }) : this;
        return Losses.IsEmpty ? next : next with { Losses = [.. next.Losses.Select(loss => loss.Rank is null || loss.Rank == rank ? loss with { Came = Now } : loss)] };
    }

    private TimeAccount Opened(GradientSyncState before, Generation generation)
    {
        // The next reports are about the new generation: what was said of updates is remembered.
        var next = Each((rank, clock) => rank < before.Seats.Length && clock is { Doing: RankDoing.Stepping, IsFirst: false } && before.Seats[rank].Applied is { } applied
            ? clock with { Applied = clock.Applied + Micros(applied.Seconds) } : clock);
        return next with { Losses = [.. next.Losses.Select(loss => loss with { Generation = generation, Opened = Now })] };
    }

    private TimeAccount Began() => this with { Losses = [.. Losses.Select(loss => loss with { Began = Now, Ready = null })] };

    // The reference pass has no commits: the run goes on when its chunks are given out.
    private TimeAccount Scores() => this with { Recovered = [.. Losses.Select(loss => RecoveryOf(loss, default, Now, Now))], Losses = [] };

    /// <param name="transfer">The longest that a rank took to get its state, where this is a generation's first commit.</param>
    private TimeAccount Recover(GradientSyncState before, StepCommit commit, long transfer)
    {
        if (Losses.IsEmpty) return this;
        Loss[] losses = [.. Losses.Select(loss => loss with { Ready = loss.Ready ?? (loss.Began ?? Now) + transfer, Redone = loss.Redone + Redone(loss) })];
        // While steps are replayed the run is not where it was.
        return commit.Replayed
            ? this with { Losses = [.. losses] }
            : this with { Recovered = [.. losses.Select(loss => RecoveryOf(loss, commit.Step, loss.Ready!.Value, Now))], Losses = [] };

        long Redone(Loss loss) => commit.Shares.Select(share => before.Seats[share.Rank]).Select(seat => seat.Seconds
            .Where(slot => commit.Replayed || loss.Slots.Contains(new StepSlot(commit.Step, slot.Key))).Sum(slot => Micros(slot.Value))).DefaultIfEmpty().Max();
    }

    private Recovery RecoveryOf(Loss loss, StepNumber commit, long ready, long committed)
    {
        var came = Losses.Where(other => other.Came >= loss.Noticed && other.Came <= (loss.Opened ?? Now)).Select(other => other.Came!.Value).DefaultIfEmpty(loss.Noticed).Max();
        long[] marks = [loss.Ended, loss.Noticed, came, loss.Opened ?? came, loss.Began ?? loss.Opened ?? came, ready, committed];
        // They follow one another, and end with the commit.
        for (var i = 1; i < marks.Length; i++) marks[i] = Math.Min(Math.Max(marks[i - 1], marks[i]), Math.Max(marks[i - 1], committed));
        var step = marks[6] - marks[5];
        return new Recovery(loss.Rank, loss.Generation, commit, marks[1] - marks[0], marks[2] - marks[1], marks[3] - marks[2], marks[4] - marks[3], marks[5] - marks[4],
            step, Math.Min(loss.Redone, step));
    }
}
