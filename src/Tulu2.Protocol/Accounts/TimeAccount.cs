using System.Collections.Immutable;
using Tulu2.Protocol.GradientSync;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;

namespace Tulu2.Protocol.Accounts;

/// <summary>
/// Where the ranks' time goes (docs/goodput.md): follows the decisions of <see cref="GradientSyncState"/>, and books every moment of every rank in exactly one class.
/// A value without clock or actors: times are those of the commands.
/// </summary>
public sealed partial record TimeAccount
{
    private readonly long _began;
    private readonly long _before;

    private TimeAccount(long began, EarlierTimes earlier, int ranks)
    {
        (_began, Now, Size) = (began, began, ranks);
        var (times, away) = (earlier.Times, earlier.Away ?? 0);
        _before = times.Elapsed + away;
        var doing = earlier.Resumes ? RankDoing.Restoring : RankDoing.Starting;
        Clocks =
        [
            .. Enumerable.Range(0, Math.Max(ranks, times.Ranks.Count)).Select(rank =>
            {
                var counts = rank < ranks;
                var known = rank < times.Ranks.Count ? times.Ranks[rank] : default;
                return new RankClock(counts ? known.With(TimeClass.Detect, away) : known, began, doing) { Counts = counts };
            }),
        ];
        if (earlier.Away is not null) Losses = [new Loss(null, began - away, began)];
        LastCut = new AccountCut(began, Clocks);
    }

    // By rank; where the run is scaled, also those that it had.
    private ImmutableArray<RankClock> Clocks { get; init; } = [];
    private ImmutableList<Loss> Losses { get; init; } = [];
    private AccountCut LastCut { get; init; }
    private long Now { get; init; }

    // The ranks that the run has, as they were last looked at.
    private int Size { get; init; }
    private Roster? Known { get; init; }

    /// <summary>The recoveries that the last command completed.</summary>
    public ImmutableArray<Recovery> Recovered { get; private init; } = [];

    /// <summary>Where the time went until the last moment at which all ranks' time was booked: a commit, the beginning of a generation's work, or the end.</summary>
    public AccountedTimes Accounted => new(_before + LastCut.Time - _began, [.. LastCut.Clocks.Select(clock => clock.Times)]);

    /// <summary>The run is over; nothing is booked any more.</summary>
    public bool IsClosed { get; private init; }

    private readonly record struct AccountCut(long Time, ImmutableArray<RankClock> Clocks);

    /// <summary>A session of the run begins.</summary>
    public static TimeAccount Of(GradientSyncState state, TimeSpan now, EarlierTimes earlier) => new(Micros(now), earlier, state.Wanted.Size);

    /// <summary>A command was decided.</summary>
    public TimeAccount After(GradientSyncState before, SyncCommand command, Decision decision)
    {
        if (IsClosed) return this;
        var after = decision.Next;
        var next = this with { Now = Math.Max(Now, Micros(command.Now)), Recovered = [] };
        if (after.Wanted.Size != Size || !ReferenceEquals(after.Roster, Known)) next = next.Resized(after);
        if (command is SyncCommand.RankUp up && up.Rank < after.Seats.Length && IsNew(before, after.Seats[up.Rank])) next = next.Came(up.Rank);
        if (command is SyncCommand.Reported { Report: WorkerReport.Applied applied }) next = next.Brought(applied.Rank, after);
        var ago = (command as SyncCommand.RankLost)?.Ago;
        foreach (var effect in decision.Effects)
        {
            next = effect switch
            {
                SyncEffect.RankOut lost => next.Lost(before, lost.Rank, ago),
                SyncEffect.GenerationOpened opened => next.Opened(before, opened.Generation),
                SyncEffect.Committed committed => next.Committed(before, after, committed.Step),
                SyncEffect.BeginScoring => next.BeganScoring(after),
                _ => next,
            };
        }
        if (!ReferenceEquals(before.Phase, after.Phase)) next = next.Entered(before, decision);
        return decision.Effects.Any(effect => effect is SyncEffect.Failed or SyncEffect.Finished) ? next.Closed(after) : next;
    }

    // A worker is announced until it is told something.
    private static bool IsNew(GradientSyncState before, RankSeat seat) =>
        seat.Up && (seat.Rank >= before.Seats.Length || before.Seats[seat.Rank].Incarnation < seat.Incarnation);

    /// <summary>The run is over, whoever ended it.</summary>
    public TimeAccount Close(GradientSyncState state, TimeSpan now) =>
        IsClosed ? this : (this with { Now = Math.Max(Now, Micros(now)), Recovered = [] }).Closed(state);

    private static long Micros(TimeSpan time) => time.Ticks / TimeSpan.TicksPerMicrosecond;

    private static long Micros(double seconds) => double.IsFinite(seconds) && seconds > 0 ? (long)Math.Min(seconds * 1e6, 1e15) : 0;

    private TimeAccount Each(Func<Rank, RankClock, RankClock> change) =>
        this with { Clocks = [.. Clocks.Select((clock, rank) => change(new Rank(rank), clock))] };

    private TimeAccount Set(Rank rank, RankClock clock) => this with { Clocks = Clocks.SetItem(rank, clock) };

    // Every rank's time is booked until now.
    private TimeAccount Cut() => this with { LastCut = new AccountCut(Now, Clocks) };

    // The run has other ranks from now on, or may have.
    private TimeAccount Resized(GradientSyncState state)
    {
        var missing = state.Seats.Length - Clocks.Length;
        var clocks = missing > 0 ? Clocks.AddRange(Enumerable.Repeat(new RankClock(default, Now, RankDoing.Starting), missing)) : Clocks;
        return (this with { Clocks = clocks, Size = state.Wanted.Size, Known = state.Roster }).Each((rank, clock) =>
        {
            var counts = rank < state.Wanted.Size || state.Roster.Contains(rank);
            if (counts == clock.Counts) return clock;
            return (counts ? clock with { Since = Now, Doing = RankDoing.Starting } : clock.BookRest(Now)) with { Counts = counts };
        });
    }

    private TimeAccount Closed(GradientSyncState state) => (this with { IsClosed = true }).Each((rank, clock) =>
    {
        if (rank >= state.Seats.Length) return clock.BookRest(Now);
        var seat = state.Seats[rank];
        return clock.Doing switch
        {
            RankDoing.Stepping => Dropped(clock, seat, state.Phase, Now),
            RankDoing.Finishing => clock.Book(TimeClass.Useful, Micros(seat.Applied?.Seconds ?? 0), Now).BookRest(Now),
            _ => clock.BookRest(Now),
        };
    }).Cut();
}
