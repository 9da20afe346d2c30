using Tulu2.Cluster.Ledger;
using Tulu2.Collectives;
using Tulu2.Data.Slots;
using Tulu2.Protocol.Accounts;
using Tulu2.Protocol.Workers;
using Xunit;

namespace Tulu2.Tests.Cluster;

/// <summary>What a ledger says of the ranks' time and of the rows of each slot, and what is proved of it.</summary>
public sealed class LedgerTimesSpec
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 2, 12, 0, 0, TimeSpan.Zero);
    private static readonly LedgerEvent Opened = new LedgerEvent.GenerationOpened(1, "the run begins", 2);
    private static readonly EpochFacts Epoch = new(2, 9, 1);
    private static readonly LedgerEvent Started = new LedgerEvent.RunStarted("recipe", 4, 2, 2, 4, 0) { Epoch = Epoch };

    private static LedgerEvent.StepCommitted Step(int step, params int[][] samples) => new(
        1, step, 1, 1, $"h{step}", 100, 1,
        [new LedgerShare(0, [new SlotRange(0, 1)], [0.5], new StepTimes(0.5, 0, 0, 0)), new LedgerShare(1, [new SlotRange(1, 1)], [0.7], new StepTimes(0.7, 0, 0, 0, Stall: 0.1))])
    {
        Samples = samples.Length == 0 ? null : samples,
    };

    private static LedgerEntry[] Entries(params (double At, LedgerEvent Event)[] events) =>
        [.. events.Select((one, index) => new LedgerEntry(index + 1, Noon.AddSeconds(one.At), one.Event))];

    private static LedgerEntry[] Entries(params LedgerEvent[] events) => Entries([.. events.Select((what, index) => ((double)index, what))]);

    private static LedgerEvent.TimeAccounted Times(long elapsed, params ClassTimes[] ranks) => LedgerEvent.TimeAccounted.Of(new AccountedTimes(elapsed, ranks));

    [Fact]
    public void A_ledger_whose_classes_of_time_sum_to_the_elapsed_time_is_sound_and_tells_its_goodput()
    {
        var verdict = LedgerVerifier.Verify(Entries(Started, Opened, Step(1), Times(1000, new(900, 0, 0, 50, 0, 50, 0), new(800, 100, 10, 40, 5, 40, 5))));
        Assert.Empty(verdict.Faults);
        Assert.Equal(0.85, verdict.Times!.Times.Sum.Goodput);
    }

    [Fact]
    public void Time_that_is_missing_negative_or_counted_twice_is_a_fault()
    {
        var verdict = LedgerVerifier.Verify(Entries(
            Started, Opened, Times(1000, new(900, 0, 0, 50, 0, 49, 0), new(1001, 0, 0, 0, 0, 0, 0)), Times(900, new(901, -1, 0, 0, 0, 0, 0), default),
            new LedgerEvent.TimeAccounted(1000, [1000], [0], [0], [0], [0], [0], [])));
        Assert.Equal(
            [
                "entry 3: the classes of rank 0's time sum to 999 us of 1000", "entry 3: the classes of rank 1's time sum to 1001 us of 1000",
                "entry 4: 900 us were accounted for, after 1000", "entry 4: rank 0 has a class of time below 0", "entry 5: a class of time is missing for some ranks",
            ], verdict.Faults);
    }

    [Fact]
    public void What_was_done_since_the_last_account_is_told_from_the_steps_and_the_rest_was_waiting()
    {
        var run = RunTimes.Of(Entries((0, Started), (0, Opened), (2, Times(2_000_000, new(0, 0, 0, 0, 0, 0, 2_000_000), new(0, 0, 0, 0, 0, 0, 2_000_000))), (3, Step(1)), (4, Step(1))));
        Assert.Equal(4_000_000, run.Times.Elapsed);
        // Once it was new, and once it was a replay.
        Assert.Equal([new ClassTimes(500_000, 500_000, 0, 0, 0, 1_000_000, 2_000_000), new ClassTimes(700_000, 700_000, 0, 0, 200_000, 400_000, 2_000_000)], run.Times.Ranks);
    }

    [Fact]
    public void Between_two_sessions_no_time_passes()
    {
        LedgerEvent resumed = new LedgerEvent.RunResumed("recipe", 4, 2, 2, 4, 1, null);
        LedgerEvent accounted = Times(3_000_000, new(3_000_000, 0, 0, 0, 0, 0, 0), new(3_000_000, 0, 0, 0, 0, 0, 0));
        var killed = RunTimes.Of(Entries((0, Started), (0, Opened), (3, accounted), (100, resumed), (101, new LedgerEvent.GenerationOpened(2, "the run goes on", 2))));
        Assert.Equal(4_000_000, killed.Times.Elapsed);
        var ended = RunTimes.Of(Entries((0, Started), (0, Opened), (3, accounted), (9, new LedgerEvent.RunFinished(1, "cancelled", null, null)), (99, new LedgerEvent.CheckpointsPruned(1))));
        Assert.Equal(3_000_000, ended.Times.Elapsed);
    }

    [Fact]
    public void The_rows_of_every_slot_are_proved_from_the_ledger_alone()
    {
        // Nine rows, of which an epoch of two steps leaves one out.
        var sound = LedgerVerifier.Verify(Entries(Started, Opened, Step(1, [0, 1], [2, 3]), Step(2, [4, 5], [6, 8]), Step(3, [7, 1], [2, 3])));
        Assert.Empty(sound.Faults);
        Assert.Equal(3, sound.StepsWithSamples);

        Assert.Equal(["epoch 1 passes row 3 2 times, and is to pass it at most 1 times"],
            LedgerVerifier.Verify(Entries(Started, Opened, Step(1, [0, 1], [2, 3]), Step(2, [4, 5], [6, 3]))).Faults);
        Assert.Equal(["entry 3: step 1 names the rows of 1 of 2 slots"], LedgerVerifier.Verify(Entries(Started, Opened, Step(1, [0, 1]))).Faults);
        Assert.Equal(["entry 5: step 1 was made again with other rows"], LedgerVerifier.Verify(Entries(
            Started, Opened, Step(1, [0, 1], [2, 3]), new LedgerEvent.GenerationOpened(2, "a rank was lost", 2), Step(1, [0, 1], [2, 4]) with { Generation = 2 })).Faults);
        Assert.Equal(["epoch 1 passes 7 of 9 rows"], LedgerVerifier.Verify(Entries(Started, Opened, Step(1, [0, 1], [2, 3]), Step(2, [4, 5], [6]))).Faults);
    }
}
