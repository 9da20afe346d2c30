using System.Collections.Immutable;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;

namespace Tulu2.Protocol.GradientSync;

/// <summary>
/// How many take part: where ranks have no workers the others go on without them, and with them again from a later commit on; a run is scaled, and workers that are told
/// to go are let go, between two steps, when nothing is under way that would be lost. The slots, and so the bits, are the same for any number of replicas.
/// </summary>
public sealed partial record GradientSyncState
{
    // Every rank that the run is to have.
    private bool IsWhole => IsAll(Roster);

    // What would be asked into a generation that was opened between two steps is not what takes part.
    private bool RosterIsDue => Members.Any(seat => seat.Leaving is not null) || Changed is not null;

    private Roster? Changed => Complete() is { } there && !there.IsSame(Roster) && IsEnough(there) && KeepsState(there) ? there : null;

    private bool IsAll(Roster roster) => roster.Layout == Wanted && roster.Ranks[^1] < Wanted.Size;

    private bool IsEnough(Roster roster) => roster.Layout.Data >= Math.Min(Wanted.Data, _rules.FewestReplicas);

    private bool IsAwaited(RankSeat seat) => seat.Rank < Wanted.Size && !seat.IsRetired;

    // The copies of model and optimizer state that are to take part and of which every rank has a worker. Where they have the newest state only from ranks that the run
    // is not to have any more, these take part once more.
    private Roster? Complete()
    {
        var there = Complete(Wanted.Size);
        return there is not null && !KeepsState(there) && Complete(Seats.Length) is { } wider && KeepsState(wider) ? wider : there;
    }

    private Roster? Complete(int ranks)
    {
        var size = Wanted.OfOneCopy().Size;
        Rank[] there = [.. Rank.All(ranks).Chunk(size).Where(copy => copy.All(rank => Seats[rank] is { Up: true, IsRetired: false })).SelectMany(copy => copy)];
        return there.Length == 0 ? null : new Roster(Wanted, there);
    }

    // No part of the newest state is with those only that are left out.
    private bool KeepsState(Roster roster)
    {
        var size = Wanted.OfOneCopy().Size;
        return Seats.Where(seat => seat is { Up: true, IsSettled: true })
            .All(seat => roster.Ranks.Any(rank => rank % size == seat.Rank % size && Seats[rank].IsSettled));
    }

    private Decision Gather(TimeSpan now)
    {
        if (Phase is not SyncPhase.Gathering gathering || Complete() is not { } there) return Stay;
        if (IsAll(there)) return OpenGeneration(gathering.Why, now, there);
        // At first they come one after the other.
        var isOver = Seats.Any(seat => seat.IsSettled) ? now - gathering.Since >= _rules.LossPatience : now - LastUp >= _rules.StartPatience;
        var isAllThatComes = Seats.Where(IsAwaited).All(seat => seat.Up);
        return (isOver || isAllThatComes) && IsEnough(there) && KeepsState(there) ? OpenGeneration(gathering.Why, now, there) : Stay;
    }

    private Decision HasChanged(TimeSpan now) => Phase is SyncPhase.Changing ? HasArrived(now) : Stay;

    // All have come to the step. What would go with those that leave has a checkpoint first.
    private Decision Change(SyncPhase.Changing changing, TimeSpan now) => Snapshot switch
    {
        _ when !RosterIsDue => GoOn(changing.Step, now),
        _ when OthersHaveTheState || Manifest?.Step >= changing.Step => ChangeRoster(now),
        SnapshotStatus.InFlight => Stay,
        SnapshotStatus.None when changing.HasTried => ChangeRoster(now),
        // It may have become due only now: who leaves may say so after the commit.
        _ => To(this with { Snapshot = new SnapshotStatus.InFlight(changing.Step, now), Phase = changing with { HasTried = true } }, new SyncEffect.SnapshotBegun(changing.Step, Roster))
            .Do(TellCommit(changing.Step, snapshot: true, AfterCommit.Wait)),
    };

    // Between two steps: every rank has applied the last one.
    private Decision ChangeRoster(TimeSpan now)
    {
        RankSeat[] leaving = [.. Members.Where(seat => seat.Leaving is not null)];
        if (leaving.Length == 0) return Changed is { } there ? OpenGeneration(WhyChanged(there), now, there) : Stay;
        return Meet(leaving, now);
    }

    // Those that leave have no part of the state that nobody else has.
    private bool OthersHaveTheState => Members.Where(seat => seat.Leaving is not null).All(seat =>
        Roster.Twins(seat.Rank).Any(Remains) || (!Keepers.IsEmpty && Remains(Keepers[seat.Rank])));

    // A rank that the run is not to have any more takes part once more with its whole copy, or not at all.
    private bool Remains(Rank rank)
    {
        var copy = Wanted.OfOneCopy().Size;
        return Seats[rank].Leaving is null && (rank < Wanted.Size || Members.Where(seat => seat.Rank / copy == rank / copy).All(seat => seat.Leaving is null));
    }

    private string WhyChanged(Roster there)
    {
        Rank[] come = [.. there.Ranks.Where(rank => !Roster.Contains(rank))], go = [.. Roster.Ranks.Where(rank => !there.Contains(rank))];
        string Named(Rank[] ranks) => $"{(ranks.Length == 1 ? "rank" : "ranks")} {string.Join(", ", ranks)}";
        return string.Join("; ", new[] { come.Length > 0 ? $"{Named(come)} came" : "", go.Length > 0 ? $"{Named(go)} released" : "" }.Where(part => part.Length > 0));
    }

    // Who leaves goes, and the others meet anew, with another worker in its place where one comes soon.
    private Decision Meet(IReadOnlyCollection<RankSeat> leaving, TimeSpan now)
    {
        var why = string.Join("; ", leaving.Select(seat => $"rank {seat.Rank} leaves: {seat.Leaving}"));
        return LetGo(leaving).Then(next => To(next with { Phase = new SyncPhase.Gathering(now, why) })).Then(next => next.Gather(now));
    }

    private Decision LetGo(IReadOnlyCollection<RankSeat> leaving)
    {
        var decision = To(leaving.Aggregate(this, (next, seat) => next.Seat(seat.Rank, gone => gone.Gone()))).Do(leaving.Select(seat => seat.Stays
            ? new SyncEffect.Restart(seat.Rank, seat.Incarnation, seat.Leaving!)
            : (SyncEffect)new SyncEffect.Released([seat.Rank])));
        return Snapshot is SnapshotStatus.InFlight flight
            ? decision.Do(new SyncEffect.SnapshotRanksGone(flight.Step, [.. leaving.Select(seat => seat.Rank)]))
            : decision;
    }

    // Workers of ranks that the run is not to have any more, and that take part in nothing.
    private Decision Release()
    {
        var released = Seats.Where(seat => seat.Up && seat.Rank >= Wanted.Size && !Roster.Contains(seat.Rank)).Select(seat => seat.Rank).ToImmutableArray();
        if (released.IsEmpty) return Stay;
        var decision = To(released.Aggregate(this, (next, rank) => next.Seat(rank, seat => seat.Gone())), new SyncEffect.Released(released));
        return Snapshot is SnapshotStatus.InFlight flight ? decision.Do(new SyncEffect.SnapshotRanksGone(flight.Step, released)) : decision;
    }

    private Decision RankLeaves(SyncCommand.RankLeaves leaves)
    {
        if (leaves.Rank >= Seats.Length || Seats[leaves.Rank] is not { Up: true } seat || seat.Incarnation != leaves.Incarnation) return Stay;
        // Worker and node may say so, in whatever order.
        var leaving = seat with { Leaving = leaves.Why, Stays = leaves.Stays && (seat.Stays || seat.Leaving is null) };
        // It has no part in a step, or what it has the others have from the recipe; else it may have what nobody else has.
        return !Roster.Contains(leaves.Rank) ? LetGo([leaving])
            : Phase is SyncPhase.Scoring ? Meet([leaving], leaves.Now)
            : To(Seat(leaves.Rank, _ => leaving));
    }

    private Decision Scale(SyncCommand.Scale scale)
    {
        if (scale.Data == Wanted.Data && Seats.All(seat => !seat.IsRetired)) return Stay;
        var wanted = Wanted.WithData(scale.Data);
        var next = this with
        {
            Wanted = wanted,
            Seats =
            [
                .. Seats.Select(seat => seat.IsRetired ? seat with { IsRetired = false, Losses = 0 } : seat),
                .. Rank.All(wanted.Size).Skip(Seats.Length).Select(rank => new RankSeat(rank)),
            ],
        };
        // Those that take part are released when the generation without them begins.
        return To(next, new SyncEffect.Resized(wanted.Size)).Then(after => after.Release()).Then(after => after.Gather(scale.Now)).Then(after => after.ScoreWithMore(scale.Now));
    }

    // A reference pass has no commits, and nothing but the chunks under way to lose.
    private Decision ScoreWithMore(TimeSpan now) =>
        Phase is SyncPhase.Scoring && Changed is { } there ? OpenGeneration(WhyChanged(there), now, there) : Stay;

    // The run goes on without it, until it is scaled or resumed.
    private Decision Retire(RankSeat seat, string why, TimeSpan now) =>
        To(Seat(seat.Rank, gone => gone.Gone() with { IsRetired = true }), new SyncEffect.Warned($"{why}; the run goes on without it"), new SyncEffect.Released([seat.Rank]))
            .Then(next => next.Gather(now));
}
