using Tulu2.Protocol.Outcomes;
using Tulu2.Protocol.Workers;

namespace Tulu2.Protocol.GradientSync;

/// <summary>Who is there: workers come, go, hang and are replaced; each change opens a new generation.</summary>
public sealed partial record GradientSyncState
{
    // A snapshot shows no progress, and may go to a slow disk; one that never comes would keep the run from its end.
    private const int SnapshotLeases = 4;

    // Ranks that were lost come back within a second, or wait for a node that may never come.
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(10);

    private Decision RankUp(SyncCommand.RankUp up)
    {
        var seat = Seats[up.Rank];
        if (up.Incarnation <= seat.Incarnation) return Stay;
        // A new worker proves that the old one is gone, whether or not that was heard.
        return (seat.Up ? Out(seat, "its worker was replaced") : Stay)
            .Then(next => To(next.Seat(up.Rank, s => s with { Up = true, Busy = false, Incarnation = up.Incarnation, Endpoint = up.Endpoint, Progress = up.Now })))
            .Then(next => next.Gather(up.Now));
    }

    private Decision RankLost(SyncCommand.RankLost lost)
    {
        var seat = Seats[lost.Rank];
        // One that never came up: that it is known is all there is to do.
        if (!seat.Up && lost.Incarnation > seat.Incarnation)
            return To(Seat(lost.Rank, s => s with { Incarnation = lost.Incarnation }), new SyncEffect.RankOut(lost.Rank, lost.Why));
        if (!seat.Up || lost.Incarnation != seat.Incarnation) return Stay;
        return Out(seat, lost.Why);
    }

    private Decision Out(RankSeat seat, string why)
    {
        var next = Seat(seat.Rank, s => s.Out());
        // While finishing, the last checkpoint may be whole without this rank: the catalogue will say.
        if (Phase != SyncPhase.Finishing) next = next with { Phase = SyncPhase.Gathering, Why = $"rank {seat.Rank} was lost: {why}" };
        var decision = To(next, new SyncEffect.RankOut(seat.Rank, why));
        return SnapshotInFlight is { } step ? decision.Do(new SyncEffect.SnapshotRanksGone(step, [seat.Rank])) : decision.Then(after => after.Finish());
    }

    private Decision Replace(IReadOnlyCollection<RankSeat> seats, Func<RankSeat, string> why) =>
        seats.Aggregate(Stay, (decision, seat) => decision
            .Then(next => next.Out(seat, why(seat)))
            .Do(new SyncEffect.Restart(seat.Rank, seat.Incarnation, why(seat))));

    private Decision Gather(TimeSpan now) => Phase == SyncPhase.Gathering && Seats.All(seat => seat.Up) ? OpenGeneration(now) : Stay;

    private Decision OpenGeneration(TimeSpan now)
    {
        var next = this with { Phase = SyncPhase.Joining, Generation = Generation + 1, InStride = false, Seats = [.. Seats.Select(seat => seat.Invited(now))] };
        string[] endpoints = [.. Seats.Select(seat => seat.Endpoint)];
        return To(next, new SyncEffect.GenerationOpened(next.Generation, Why, _rules.Ranks))
            .Do(Seats.Select(seat => new SyncEffect.Tell(seat.Rank, new WorkerCommand.JoinGeneration(next.Generation, seat.Rank, endpoints))));
    }

    private Decision Joined(WorkerReport.Joined joined, TimeSpan now)
    {
        if (Phase != SyncPhase.Joining || joined.Generation != Generation || !Seats[joined.Rank].Up) return Stay;
        var next = Seat(joined.Rank, seat => seat with { Joined = joined, Progress = now });
        if (!next.Seats.All(seat => seat.IsMember)) return To(next);
        return next.ReferenceDue
            ? To(next with { Phase = SyncPhase.Scoring, Seats = [.. next.Seats.Select(seat => seat with { Busy = true })] }).Then(after => after.Tell(RunPhase.ReferencePass)).Do(new SyncEffect.BeginScoring(Generation))
            : next.Begin(now);
    }

    private Decision Tick(TimeSpan now)
    {
        if (Phase == SyncPhase.Gathering) return Missing(now);
        var known = Lease.Deadline();
        var patience = StateMoves && !InStride && Lease.Initial > known ? Lease.Initial : known;
        bool Silent(RankSeat seat) => seat.Up && now - seat.Progress > patience;
        string Hung(RankSeat seat) => $"no progress for {(int)(now - seat.Progress).TotalSeconds} s while {Phase.ToString().ToLowerInvariant()}";
        Decision Meet()
        {
            switch (Phase)
            {
                case SyncPhase.Joining:
                    return Replace([.. Seats.Where(seat => seat.Joined is null && seat.Up && now - seat.Progress > JoinPatience(seat))], Hung);
                case SyncPhase.Scoring:
                    return Replace([.. Seats.Where(Silent)], Hung);
                case SyncPhase.Finishing:
                    return Replace([.. Seats.Where(seat => seat.IsMember && seat.Applied?.Step != Final && Silent(seat))], Hung);
                case SyncPhase.Running when Seats.Any(seat => seat.Ready is null):
                    var hung = Seats.Where(seat => seat.Ready is null && !seat.Pending.IsEmpty && Silent(seat)).ToArray();
                    if (hung.Length > 0) return Replace(hung, Hung);
                    // All have their slots and still do not meet: nobody can be named, so they meet anew, and who does not come is replaced.
                    return Seats.All(seat => (seat.Ready is not null || seat.Pending.IsEmpty) && Silent(seat))
                        ? To(this with { Why = $"step {Step} was not reduced in time" }).Then(next => next.OpenGeneration(now))
                        : Stay;
                default:
                    return Stay;
            }
        }
        var decision = Meet().Then(next => To(next with { MissingSince = now }));
        return decision.Next.SnapshotInFlight is { } step && now - SnapshotBegan > SnapshotLeases * Lease.Initial
            ? decision.Then(next => To(next with { SnapshotBegan = now }, new SyncEffect.SnapshotRanksGone(step, [.. Enumerable.Range(0, _rules.Ranks)])))
            : decision;
    }

    // Who has nothing to do answers at once. A slot under way is done first, and so is the loading of a state; a copy from a twin is not, it ends with its generation.
    private TimeSpan JoinPatience(RankSeat seat)
    {
        if (!seat.Busy) return Lease.Minimum;
        var known = Lease.Deadline();
        return StateLoads && Lease.Initial > known ? Lease.Initial : known;
    }

    // A worker that was to be replaced may not have been told: it is said again, which does nothing where it was heard.
    private Decision Missing(TimeSpan now) => Stopping && now - MissingSince > StopPatience
        ? StopHere()
        : To(this, [.. Seats.Where(seat => !seat.Up && seat.Incarnation > 0).Select(seat => new SyncEffect.Restart(seat.Rank, seat.Incarnation, Why))]);

    // Nobody could be heard until now: nobody's silence counts.
    private GradientSyncState Refreshed(TimeSpan now) =>
        this with { SnapshotBegan = now, MissingSince = now, Seats = [.. Seats.Select(seat => seat with { Progress = now })] };
}
