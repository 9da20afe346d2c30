using System.Collections.Immutable;
using Tulu2.Collectives;
using Tulu2.Collectives.Layout;
using Tulu2.Protocol.Accounts;
using Tulu2.Protocol.GradientSync;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;
using Xunit;

namespace Tulu2.Tests.Protocol.Accounts;

/// <summary>Where the time of two ranks goes, in histories of which every moment is known.</summary>
public sealed class TimeAccountSpec
{
    private static readonly Rank Zero = new(0), One = new(1);

    private GradientSyncState _state = GradientSyncState.Of(
        new SyncRules(new ParallelLayout(2), 2, new StepNumber(3), 0) { FewestReplicas = 1 },
        new SyncStart(default, null, ImmutableDictionary<StepNumber, string>.Empty, false), ProgressLease.Default);

    private TimeAccount _account;
    private readonly List<Recovery> _recovered = [];

    public TimeAccountSpec() => _account = TimeAccount.Of(_state, TimeSpan.Zero, EarlierTimes.None);

    [Fact]
    public void What_ranks_measure_is_useful_and_whoever_comes_first_to_the_sum_waits()
    {
        Begin();
        Ready(5.0, Zero, 1, new StepTimes(2, 0.1, 0.5, 0, Transfer: 0.4));
        Ready(6.0, One, 1, new StepTimes(3, 0, 0.2, 0, Transfer: 0.4));

        // The generation began at 2, and the sum itself took 0.2.
        Assert.Equal(new AccountedTimes(Micros(6), [Times(useful: 2.2, restore: 0.4, wait: 1.4, idle: 2), Times(useful: 3.2, restore: 0.4, wait: 0.4, idle: 2)]), _account.Accounted, Same);
    }

    [Fact]
    public void The_update_is_useful_the_copy_for_a_checkpoint_is_a_stall_and_a_replayed_step_is_done_again()
    {
        _state = GradientSyncState.Of(
            new SyncRules(new ParallelLayout(2), 2, new StepNumber(3), 0), new SyncStart(default, null, ImmutableDictionary<StepNumber, string>.Empty.Add(new(2), "hash 2"), false),
            ProgressLease.Default);
        Begin();
        Ready(3, Zero, 1, new StepTimes(1, 0, 0, 0));
        Ready(3, One, 1, new StepTimes(1, 0, 0, 0));
        var before = _account.Accounted;
        Applied(3.5, Zero, 1, 0.5);
        Applied(3.5, One, 1, 0.25);
        Ready(5, Zero, 2, new StepTimes(1, 0, 0, 0, Stall: 0.2));
        Ready(5, One, 2, new StepTimes(1, 0, 0, 0));

        Assert.Equal(new AccountedTimes(Micros(2), [Times(redo: 1.3, stall: 0.2, wait: 0.5), Times(redo: 1.25, wait: 0.75)]), Since(before), Same);
    }

    [Fact]
    public void A_rank_that_is_lost_has_its_work_redone_and_is_detected_and_restored_while_the_other_keeps_what_it_has()
    {
        Begin();
        Ready(3, Zero, 1, new StepTimes(1, 0, 0, 0));
        Ready(3, One, 1, new StepTimes(1, 0, 0, 0));
        var before = _account.Accounted;
        Applied(3.1, Zero, 1, 0.1);
        Applied(3.1, One, 1, 0.1);
        Take(new SyncCommand.Reported(new WorkerReport.SlotBegun(_state.Generation, One, new(2), new(1)), Seconds(3.2)));
        Take(new SyncCommand.Reported(new WorkerReport.SlotDone(_state.Generation, Zero, new(2), new(0), 0.7), Seconds(3.9)));
        Take(new SyncCommand.RankLost(One, new(1), "killed", Seconds(5)) { Ago = Seconds(0.5) });
        Up(5.1, One, 2);
        Joined(5.2, Zero, 1, new SlotRange(0, 1));
        Joined(5.3, One, -1);

        // What it did between the commit and its end is lost, but for the update of the step that was committed.
        var gone = new AccountedTimes(Micros(2.3), [Times(useful: 0.8, wait: 1.5), Times(useful: 0.1, redo: 1.4, detect: 0.5, restore: 0.3)]);
        Assert.Equal(gone, Since(before), Same);

        Take(new SyncCommand.Reported(new WorkerReport.SlotDone(_state.Generation, One, new(2), new(1), 0.6), Seconds(6.2)));
        before = _account.Accounted;
        Ready(6.3, Zero, 2, new StepTimes(0, 0, 0.1, 0));
        Ready(6.3, One, 2, new StepTimes(0.6, 0, 0.1, 0, Transfer: 0.2));
        Assert.Equal(new AccountedTimes(Micros(1), [Times(useful: 0.1, wait: 0.9), Times(useful: 0.7, restore: 0.2, wait: 0.1)]), Since(before), Same);
        Assert.Equal([new Recovery(One, new(2), new(2), Micros(0.5), Micros(0.1), 0, Micros(0.2), Micros(0.2), Micros(0.8), Micros(0.6))], _recovered);
    }

    [Fact]
    public void A_rank_without_which_the_run_goes_on_is_idle_until_it_has_a_worker_again()
    {
        Begin();
        Ready(3, Zero, 1, new StepTimes(1, 0, 0, 0));
        Ready(3, One, 1, new StepTimes(1, 0, 0, 0));
        var before = _account.Accounted;
        Take(new SyncCommand.RankLost(One, new(1), "killed", Seconds(3)) { Ago = TimeSpan.Zero });
        Applied(3.1, Zero, 1, 0);
        Take(new SyncCommand.Tick(Seconds(3.5)));
        Joined(3.6, Zero, 1);
        Ready(4.6, Zero, 2, new StepTimes(1, 0, 0, 0));
        Up(5.6, One, 2);
        Ready(6.6, Zero, 3, new StepTimes(1, 0, 0, 0));

        Assert.Equal(Times(restore: 0.6 + 1, idle: 2), Since(before).Ranks[1]);
        Assert.Equal(new Recovery(One, new(2), new(2), 0, 0, Micros(0.5), Micros(0.1), 0, Micros(1), 0), Assert.Single(_recovered));
    }

    [Fact]
    public void A_coordinator_that_takes_over_counts_the_time_without_one_and_goes_on_with_the_sums()
    {
        var known = new AccountedTimes(Micros(10), [Times(useful: 9, wait: 1), Times(useful: 8, wait: 2)]);
        _account = TimeAccount.Of(_state, TimeSpan.Zero, new EarlierTimes(known, Micros(0.5)) { Resumes = true });
        Begin();
        Ready(3, Zero, 1, new StepTimes(1, 0, 0, 0));
        Ready(3, One, 1, new StepTimes(1, 0, 0, 0));

        Assert.Equal(new AccountedTimes(Micros(13.5), [Times(useful: 10, detect: 0.5, restore: 2, wait: 1), Times(useful: 9, detect: 0.5, restore: 2, wait: 2)]), _account.Accounted, Same);
        Assert.Equal(new Recovery(null, new(1), new(1), Micros(0.5), Micros(1), 0, Micros(1), 0, Micros(1), 0), Assert.Single(_recovered));
    }

    [Fact]
    public void Shares_sum_to_a_hundred_percent()
    {
        var times = new ClassTimes(333, 333, 333, 1, 0, 0, 0);
        Assert.Equal(1000, times.PerMille().Sum());
        Assert.Equal([333, 333, 333, 1, 0, 0, 0], times.PerMille());
        Assert.Equal(1000, new ClassTimes(1, 1, 1, 1, 1, 1, 1).PerMille().Sum());
    }

    // Both have joined the first generation at 2.
    private void Begin()
    {
        Up(0, Zero, 1);
        Up(1, One, 1);
        Joined(2, Zero, -1);
        Joined(2, One, -1);
    }

    private void Up(double at, Rank rank, long incarnation) => Take(new SyncCommand.RankUp(rank, new Incarnation(incarnation), $"{rank}", Seconds(at)));

    private void Joined(double at, Rank rank, int step, params SlotRange[] held) =>
        Take(new SyncCommand.Reported(new WorkerReport.Joined(_state.Generation, rank, new StepNumber(step), held, null), Seconds(at)));

    private void Applied(double at, Rank rank, int step, double seconds) =>
        Take(new SyncCommand.Reported(new WorkerReport.Applied(_state.Generation, rank, new StepNumber(step), seconds, AfterCommit.GoOn, null), Seconds(at)));

    private void Ready(double at, Rank rank, int step, StepTimes times) => Take(new SyncCommand.Reported(
        new WorkerReport.StepReady(_state.Generation, rank, new StepNumber(step), $"hash {step}", new StepMetrics(1, 1, 1, 1, 1, []), times), Seconds(at)));

    private void Take(SyncCommand command)
    {
        var (before, decision) = (_state, _state.Decide(command));
        (_state, _account) = (decision.Next, _account.After(before, command, decision));
        _recovered.AddRange(_account.Recovered);
    }

    private AccountedTimes Since(AccountedTimes before)
    {
        var now = _account.Accounted;
        return new AccountedTimes(now.Elapsed - before.Elapsed, [.. now.Ranks.Zip(before.Ranks, (after, known) => new ClassTimes(
            after.Useful - known.Useful, after.Redo - known.Redo, after.Detect - known.Detect, after.Restore - known.Restore,
            after.CheckpointStall - known.CheckpointStall, after.Wait - known.Wait, after.Idle - known.Idle))]);
    }

    private static bool Same(AccountedTimes one, AccountedTimes other) => one.Elapsed == other.Elapsed && one.Ranks.SequenceEqual(other.Ranks);

    private static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(seconds);

    private static long Micros(double seconds) => (long)Math.Round(seconds * 1e6);

    private static ClassTimes Times(double useful = 0, double redo = 0, double detect = 0, double restore = 0, double stall = 0, double wait = 0, double idle = 0) =>
        new(Micros(useful), Micros(redo), Micros(detect), Micros(restore), Micros(stall), Micros(wait), Micros(idle));
}
