using System.Collections.Immutable;
using Tulu2.Protocol.Workers;

namespace Tulu2.Protocol.Accounts;

/// <summary>
/// What can be told from a ledger of the time since its last account: whoever wrote it may have died. The time of the steps that were committed since is known, the rest
/// counts as waiting.
/// </summary>
public sealed record AccountTail
{
    private AccountedTimes Last { get; init; } = AccountedTimes.None;
    private DateTimeOffset? From { get; init; }
    private int Ranks { get; init; }
    private ImmutableSortedDictionary<int, ClassTimes> Work { get; init; } = ImmutableSortedDictionary<int, ClassTimes>.Empty;

    /// <summary>The ledger is empty.</summary>
    public static AccountTail Empty { get; } = new();

    /// <summary>Time of the last entry; null: there is none, or the run was over then.</summary>
    public DateTimeOffset? Until { get; private init; }

    /// <summary>What was accounted for last, and what is known of the time since.</summary>
    public AccountedTimes Times
    {
        get
        {
            if (From is not { } from || Until is not { } until || until <= from) return Last;
            var time = (until - from).Ticks / TimeSpan.TicksPerMicrosecond;
            var ranks = Last.Ranks.Concat(Enumerable.Repeat(default(ClassTimes), Math.Max(0, Ranks - Last.Ranks.Count)));
            return new AccountedTimes(Last.Elapsed + time, [.. ranks.Select((known, rank) => rank < Ranks ? known + Split(Work.GetValueOrDefault(rank), time) : known)]);
        }
    }

    /// <summary>A session began; what was before is settled.</summary>
    /// <param name="isNew">The run began anew: what was known is of another one.</param>
    public AccountTail Began(DateTimeOffset time, int ranks, bool isNew) =>
        new() { Last = isNew ? AccountedTimes.None : Last, From = time, Until = time, Ranks = ranks };

    /// <summary>There is an entry of that time.</summary>
    public AccountTail Seen(DateTimeOffset time) => From is null || time < Until ? this : this with { Until = time };

    /// <summary>An account was written.</summary>
    public AccountTail Accounted(AccountedTimes times, DateTimeOffset time) =>
        this with { Last = times, From = From is null ? null : time, Until = From is null ? null : time, Work = Work.Clear() };

    /// <summary>A step was committed.</summary>
    public AccountTail Committed(IEnumerable<(int Rank, StepTimes Times)> shares, bool replayed)
    {
        var of = replayed ? TimeClass.Redo : TimeClass.Useful;
        return this with
        {
            Work = shares.Aggregate(Work, (work, share) => work.SetItem(share.Rank, work.GetValueOrDefault(share.Rank)
                .With(of, Micros(share.Times.Compute + share.Times.TensorSums)).With(TimeClass.CheckpointStall, Micros(share.Times.Stall)))),
        };
    }

    /// <summary>The run is over.</summary>
    public AccountTail Ended() => this with { From = null, Until = null };

    private static long Micros(double seconds) => double.IsFinite(seconds) && seconds > 0 ? (long)Math.Min(seconds * 1e6, 1e15) : 0;

    // Never more than the time there was.
    private static ClassTimes Split(ClassTimes work, long time)
    {
        var useful = Math.Min(work.Useful, time);
        var redo = Math.Min(work.Redo, time - useful);
        var stall = Math.Min(work.CheckpointStall, time - useful - redo);
        return new ClassTimes(useful, redo, 0, 0, stall, time - useful - redo - stall, 0);
    }
}
