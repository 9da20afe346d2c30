using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Outcomes;
using Tulu2.Protocol.Workers;

namespace Tulu2.Protocol.GradientSync;

/// <summary>Who is there: workers come, go, hang and are replaced; each change opens a new generation.</summary>
public sealed partial record GradientSyncState
{
    // A snapshot shows no progress, and may go to a slow disk; one that never comes would keep the run from its end.
    private const int SnapshotLeases = 4;

    // One may be a hiccup.
    private const int UnmetUntilWarned = 3;

    // Ranks that were lost come back within a second, or wait for a node that may never come.
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(10);

    private Decision RankUp(SyncCommand.RankUp up)
    {
        // It was started before the run gave it up.
        if (up.Rank >= Wanted.Size && !Roster.Contains(up.Rank)) return To(this, new SyncEffect.Released([up.Rank]));
        var seat = Seats[up.Rank];
        if (up.Incarnation <= seat.Incarnation) return Stay;
        if (seat.IsRetired) return To(Seat(up.Rank, s => s with { Incarnation = up.Incarnation }), new SyncEffect.Released([up.Rank]));
        // A new worker proves that the old one is gone, whether or not that was heard.
        return (seat.Up ? Out(seat, "its worker was replaced", up.Now) : Stay)
            .Then(next => To(next.Seat(up.Rank, s => s.Entered(up)) with { LastUp = up.Now }))
            .Then(next => next.Gather(up.Now))
            .Then(next => next.ScoreWithMore(up.Now));
    }

    private Decision RankLost(SyncCommand.RankLost lost)
    {
        // Its trainer has not heard that the run does without it.
        if ((lost.Rank >= Wanted.Size && !Roster.Contains(lost.Rank)) || Seats[lost.Rank].IsRetired) return To(this, new SyncEffect.Released([lost.Rank]));
        var seat = Seats[lost.Rank];
        // It never came up: remembering it is all there is to do.
        if (!seat.Up && lost.Incarnation > seat.Incarnation)
            return To(Seat(lost.Rank, s => s.Out(lost.Why) with { Incarnation = lost.Incarnation }), new SyncEffect.RankOut(lost.Rank, lost.Why));
        if (!seat.Up || lost.Incarnation != seat.Incarnation) return Stay;
        return Out(seat, lost.Why, lost.Now, lost.OfMemory);
    }

    private Decision Out(RankSeat seat, string why, TimeSpan now, bool ofMemory = false)
    {
        var next = Seat(seat.Rank, s => s.Out(why)) with
        {
            Deaths = seat.UnderWay is { } slot ? Deaths.Add(new SlotDeath(Generation, new StepSlot(seat.Step, slot), seat.Rank, why, ofMemory)) : Deaths,
            Phase = Phase switch
            {
                // The others go on without it as it is.
                _ when !Roster.Contains(seat.Rank) && Phase is not SyncPhase.Gathering => Phase,
                // The last checkpoint may be whole without this rank: the catalogue will say.
                SyncPhase.Finishing or SyncPhase.RollingBack => Phase,
                SyncPhase.Gathering gathering => gathering with { Why = Lost() },
                _ => new SyncPhase.Gathering(now, Lost()),
            },
        };
        var decision = To(next, new SyncEffect.RankOut(seat.Rank, why));
        return Snapshot is SnapshotStatus.InFlight flight
            ? decision.Do(new SyncEffect.SnapshotRanksGone(flight.Step, [seat.Rank]))
            : decision.Then(after => after.Finish());

        string Lost() => $"rank {seat.Rank} was lost: {why}";
    }

    // A rank that dies again and again, with nothing made in between, would keep the run for ever.
    private Decision GiveUp(TimeSpan now)
    {
        if (Phase is SyncPhase.Over || Seats.FirstOrDefault(seat => seat.Losses > _rules.MostLosses && !seat.IsRetired) is not { } seat) return Stay;
        var why = $"rank {seat.Rank} was lost {seat.Losses} times without a step in between, the last time: {seat.Lost}";
        return CanDoWithout(seat) ? Retire(seat, why, now) : Fail(new RunFailure(why, ""));
    }

    private Decision Replace(IReadOnlyCollection<RankSeat> seats, Func<RankSeat, string> why, TimeSpan now) =>
        seats.Aggregate(Stay, (decision, seat) => decision
            .Then(next => next.Out(seat, why(seat), now))
            .Do(new SyncEffect.Restart(seat.Rank, seat.Incarnation, why(seat))));

    private Decision OpenGeneration(string why, TimeSpan now, Roster? roster = null)
    {
        roster ??= Roster;
        var next = this with
        {
            Phase = new SyncPhase.Joining(),
            Generation = Generation.Next(),
            Roster = roster,
            Seats = [.. Seats.Select(seat => roster.Contains(seat.Rank) ? seat.Invited(now) : seat with { Joined = null, UnderWay = null, IsSettled = false })],
        };
        string[] endpoints = [.. next.Members.Select(seat => seat.Endpoint)];
        return To(next, new SyncEffect.GenerationOpened(next.Generation, why, roster.Ranks.Length))
            .Do(roster.Ranks.Select(rank => new SyncEffect.Tell(rank, new WorkerCommand.JoinGeneration(next.Generation, rank, endpoints) { Ranks = roster.Ranks })))
            .Then(opened => opened.Release());
    }

    private Decision Joined(WorkerReport.Joined joined, TimeSpan now)
    {
        if (Phase is not SyncPhase.Joining || joined.Generation != Generation || !Seats[joined.Rank].Up) return Stay;
        joined = Sound(joined);
        var next = Seat(joined.Rank, seat => seat with { Joined = joined, UnderWay = null, Progress = now });
        next = next.Seat(joined.Rank, seat => seat with { IsSettled = joined.StateStep > Decided || seat.Brings(Decided, Hashes.GetValueOrDefault(Decided)) });
        if (!next.Members.All(seat => seat.IsMember)) return To(next);
        return next.ReferenceDue ? next.BeginScoring() : next.Begin(now);
    }

    private Decision BeginScoring() =>
        To((this with { Phase = new SyncPhase.Scoring() }).Each(seat => seat with { Work = RankWork.Loading }))
            .Then(next => next.Tell(RunPhase.ReferencePass))
            .Do(new SyncEffect.BeginScoring(Generation, Roster));

    private Decision Tick(TimeSpan now)
    {
        var decision = Phase switch
        {
            SyncPhase.Gathering gathering => Missing(gathering, now).Then(next => next.Gather(now)),
            SyncPhase.Joining => ReplaceSilent("joining", seat => seat.Up && seat.Joined is null, JoinPatience, now),
            SyncPhase.Scoring => ReplaceSilent("scoring", seat => seat.Up, _ => Lease.Deadline(), now),
            SyncPhase.Validating validating => MeetAgain(validating, now),
            SyncPhase.Changing changing => ReplaceSilent($"coming to step {changing.Step}", seat => seat.Up && !seat.Has(changing.Step), _ => Lease.Deadline(), now),
            SyncPhase.Running running => Meet(running, now),
            SyncPhase.Finishing => ReplaceSilent("finishing", seat => seat.IsMember && !seat.HasEnded(LastStep), _ => Lease.Deadline(), now),
            _ => Stay,
        };
        return Phase is SyncPhase.Gathering ? decision : decision.Then(next => next.GiveUpSnapshot(now));
    }

    private Decision ReplaceSilent(string doing, Func<RankSeat, bool> awaited, Func<RankSeat, TimeSpan> patience, TimeSpan now) => Replace(
        [.. Members.Where(seat => awaited(seat) && now - seat.Progress > patience(seat))],
        seat => $"no progress for {(int)(now - seat.Progress).TotalSeconds} s while {doing}", now);

    private Decision Meet(SyncPhase.Running running, TimeSpan now)
    {
        if (running.AllReady is not null) return Stay;
        var patience = running.Entry is StepEntry.Loading or StepEntry.Copying ? LoadPatience : Lease.Deadline();
        var replaced = ReplaceSilent("running", seat => seat.Ready is null && !seat.Pending.IsEmpty, _ => patience, now);
        if (replaced.Effects.Length > 0) return replaced;
        // All have their slots and still do not meet: nobody can be named, so they meet anew, and who does not come is replaced.
        return Members.All(seat => (seat.Ready is not null || seat.Pending.IsEmpty) && now - seat.Progress > patience)
            ? (this with { Unmet = Unmet + 1 }).MeetAnew(running.Step, now)
            : Stay;
    }

    // Ranks that hear the supervisor and not one another would go on so for ever.
    private Decision MeetAnew(StepNumber step, TimeSpan now)
    {
        var text = $"step {step} was not reduced in time, {Unmet} times in a row: the ranks are up and do not reach one another: "
            + string.Join(", ", Members.Select(seat => $"rank {seat.Rank} at {seat.Endpoint}"));
        if (Unmet > _rules.MostLosses)
            return Fail(new RunFailure(text, "", BadInputFix: "see that their machines reach one another on all TCP ports at these addresses, then resume the run"));
        var decision = OpenGeneration($"step {step} was not reduced in time", now);
        return Unmet >= UnmetUntilWarned ? decision.Do(new SyncEffect.Warned(text)) : decision;
    }

    private Decision GiveUpSnapshot(TimeSpan now) => Snapshot is SnapshotStatus.InFlight flight && now - flight.Began > SnapshotLeases * Lease.Initial
        ? To(this with { Snapshot = flight with { Began = now } }, new SyncEffect.SnapshotRanksGone(flight.Step, [.. Rank.All(Seats.Length)]))
        : Stay;

    // Who has nothing to do answers at once. A slot under way is done first, and so is the loading of a state; a copy from a twin is not, it ends with its generation.
    private TimeSpan JoinPatience(RankSeat seat) => seat.Work switch
    {
        RankWork.Nothing => Lease.Minimum,
        RankWork.Computing => Lease.Deadline(),
        _ => LoadPatience,
    };

    private TimeSpan LoadPatience => TimeSpan.FromTicks(Math.Max(Lease.Initial.Ticks, Lease.Deadline().Ticks));

    // A worker that was to be replaced may not have been told: it is said again, which does nothing where it was heard.
    private Decision Missing(SyncPhase.Gathering gathering, TimeSpan now) => Stopping && now - gathering.Since > StopPatience
        ? StopHere()
        : To(this, [.. Seats.Where(seat => !seat.Up && seat.Incarnation > 0 && IsAwaited(seat)).Select(seat => new SyncEffect.Restart(seat.Rank, seat.Incarnation, gathering.Why))]);

    // Nobody could be heard until now: nobody's silence counts.
    private GradientSyncState Refreshed(TimeSpan now) => this with
    {
        Snapshot = Snapshot is SnapshotStatus.InFlight flight ? flight with { Began = now } : Snapshot,
        Phase = Phase is SyncPhase.Gathering gathering ? gathering with { Since = now } : Phase,
        Seats = [.. Seats.Select(seat => seat with { Progress = now })],
    };
}
