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
    private bool IsWhole => Roster.Layout == Wanted && Roster.Ranks[^1] < Wanted.Size;

    // What would be asked into a generation that was opened between two steps is not what takes part.
    private bool RosterIsDue => Members.Any(seat => seat.Leaving is not null) || Changed is not null;

    // Asked at every commit: in most of them all are there.
    private Roster? Changed => IsWhole && Members.All(seat => seat is { Up: true, IsRetired: false }) ? null
        : Available() is { } there && !there.IsSame(Roster) && IsEnough(there.Layout.Data) && KeepsState(there) ? there : null;

    private bool IsEnough(int data) => data >= Math.Min(Wanted.Data, _rules.FewestReplicas);

    private bool IsAwaited(RankSeat seat) => seat.Rank < Wanted.Size && !seat.IsRetired;

    // The ranks of a copy of model and optimizer state, by its number.
    private IEnumerable<Rank> Copy(int copy) => Rank.All(Wanted.CopySize).Select(rank => new Rank(copy * Wanted.CopySize + rank));

    // Copies of which every rank has a worker: of those that are wanted all; of others that took part until now as many as are missing, or all of them where the newest
    // state would be lost without.
    private Roster? Available()
    {
        var (size, wanted) = (Wanted.CopySize, Wanted.Data / Wanted.Zero);
        bool IsThere(int copy) => Copy(copy).All(rank => Seats[rank] is { Up: true, IsRetired: false });
        int[] there = [.. Enumerable.Range(0, wanted).Where(IsThere)];
        int[] others = [.. Enumerable.Range(wanted, Math.Max(0, Seats.Length / size - wanted)).Where(copy => IsThere(copy) && Copy(copy).All(Roster.Contains))];
        var some = Of([.. there, .. others.Take(wanted - there.Length)]);
        return some is not null && KeepsState(some) ? some : Of([.. there, .. others]);

        Roster? Of(int[] copies) => copies.Length == 0 ? null : new Roster(Wanted, copies.SelectMany(Copy));
    }

    // No part of the newest state is with those only that are left out.
    private bool KeepsState(Roster roster)
    {
        var has = new bool[Wanted.CopySize];
        foreach (var rank in roster.Ranks) has[rank % has.Length] |= Seats[rank].IsSettled;
        return Seats.All(seat => seat is not { Up: true, IsSettled: true } || has[seat.Rank % has.Length]);
    }

    private Decision Gather(TimeSpan now)
    {
        if (Phase is not SyncPhase.Gathering gathering || Available() is not { } there || !IsEnough(there.Layout.Data)) return Stay;
        var (isWhole, keeps, waited) = (Seats.Where(IsAwaited).All(seat => seat.Up), KeepsState(there), now - gathering.Since);
        // Those that the run is scaled past may have the newest state, and come once more, if they come. Who was given up brings nothing together any more.
        var isHopeless = Members.All(seat => seat.Up || seat.IsRetired) || waited >= _rules.StartPatience;
        // At first they come one after the other.
        var isOver = Seats.Any(seat => seat.IsSettled) ? waited >= _rules.LossPatience : now - LastUp >= _rules.StartPatience;
        return (isWhole ? keeps || isHopeless : keeps && isOver) ? OpenGeneration(gathering.Why, now, there) : Stay;
    }

    private Decision HasChanged(TimeSpan now) => Phase is SyncPhase.Changing ? HasArrived(now) : Stay;

    // Between two steps: every rank has applied this one. What would go with those that leave has a checkpoint first.
    private Decision ChangeRoster(StepNumber step, TimeSpan now)
    {
        RankSeat[] leaving = [.. Members.Where(seat => seat.Leaving is not null)];
        if (leaving.Length == 0) return Changed is { } there ? OpenGeneration(WhyChanged(there), now, there) : Stay;
        if (OthersHaveTheState || Manifest?.Step >= step || (SavedFor == step && Snapshot is not SnapshotStatus.InFlight)) return MeetWithout(leaving, now);
        var changing = this with { Phase = new SyncPhase.Changing(step) };
        return Snapshot is SnapshotStatus.InFlight
            ? To(changing)
            : To(changing with { Snapshot = new SnapshotStatus.InFlight(step, now), SavedFor = step }, new SyncEffect.SnapshotBegun(step, Roster))
                .Do(TellCommit(step, snapshot: true, AfterCommit.Wait));
    }

    // Those that leave have no part of the state that nobody else has.
    private bool OthersHaveTheState => Members.Where(seat => seat.Leaving is not null).All(seat =>
        Roster.Twins(seat.Rank).Any(Remains) || (!Keepers.IsEmpty && Remains(Keepers[seat.Rank])));

    // A rank that the run is not to have any more takes part once more with its whole copy, or not at all.
    private bool Remains(Rank rank) =>
        Seats[rank].Leaving is null && (rank < Wanted.Size || Copy(rank / Wanted.CopySize).All(member => Seats[member].Leaving is null));

    // A rank that is lost again and again can be left out: whole copies are left for the run, or will be.
    private bool CanDoWithout(RankSeat seat)
    {
        var size = Wanted.CopySize;
        bool IsSound(int copy) => copy != seat.Rank / size && Copy(copy).All(rank => Seats[rank] is { IsRetired: false } other && other.Losses <= _rules.MostLosses);
        var data = Wanted.Zero * Enumerable.Range(0, Wanted.Data / Wanted.Zero).Count(IsSound);
        return data > 0 && IsEnough(data);
    }

    private string WhyChanged(Roster there)
    {
        Rank[] come = [.. there.Ranks.Where(rank => !Roster.Contains(rank))], go = [.. Roster.Ranks.Where(rank => !there.Contains(rank))];
        string Named(Rank[] ranks) => $"{(ranks.Length == 1 ? "rank" : "ranks")} {string.Join(", ", ranks)}";
        return string.Join("; ", new[] { come.Length > 0 ? $"{Named(come)} came" : "", go.Length > 0 ? $"{Named(go)} released" : "" }.Where(part => part.Length > 0));
    }

    // Who leaves goes, and the others meet anew, with another worker in its place where one comes soon.
    private Decision MeetWithout(IReadOnlyCollection<RankSeat> leaving, TimeSpan now)
    {
        var why = string.Join("; ", leaving.Select(seat => $"rank {seat.Rank} leaves: {seat.Leaving}"));
        return LetGo(leaving).Then(next => To(next with { Phase = new SyncPhase.Gathering(now, why) })).Then(next => next.Gather(now));
    }

    private Decision LetGo(IReadOnlyCollection<RankSeat> leaving) =>
        Gone([.. leaving.Select(seat => seat.Rank)], leaving.Select(seat => seat.Stays
            ? new SyncEffect.Restart(seat.Rank, seat.Incarnation, seat.Leaving!)
            : (SyncEffect)new SyncEffect.Released([seat.Rank])));

    // They have no workers any more, and write nothing for the snapshot in flight.
    private Decision Gone(ImmutableArray<Rank> ranks, params IEnumerable<SyncEffect> effects)
    {
        var decision = To(ranks.Aggregate(this, (next, rank) => next.Seat(rank, seat => seat.Gone()))).Do(effects);
        return Snapshot is SnapshotStatus.InFlight flight ? decision.Do(new SyncEffect.SnapshotRanksGone(flight.Step, ranks)) : decision;
    }

    // Workers of ranks that the run is not to have any more, and that take part in nothing.
    private Decision Release()
    {
        var released = Seats.Where(seat => seat.Up && seat.Rank >= Wanted.Size && !Roster.Contains(seat.Rank)).Select(seat => seat.Rank).ToImmutableArray();
        return released.IsEmpty ? Stay : Gone(released, new SyncEffect.Released(released));
    }

    private Decision RankLeaves(SyncCommand.RankLeaves leaves)
    {
        if (leaves.Rank >= Seats.Length || Seats[leaves.Rank] is not { Up: true } seat || seat.Incarnation != leaves.Incarnation) return Stay;
        // Worker and node may say so, in whatever order.
        var leaving = seat with { Leaving = leaves.Why, Stays = leaves.Stays && (seat.Stays || seat.Leaving is null) };
        // It has no part in a step, or what it has the others have from the recipe; else it may have what nobody else has.
        return !Roster.Contains(leaves.Rank) ? LetGo([leaving])
            : Phase is SyncPhase.Scoring ? MeetWithout([leaving], leaves.Now)
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
