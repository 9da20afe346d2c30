using System.Collections.Immutable;
using Tulu2.Collectives;
using Tulu2.Collectives.Layout;
using Tulu2.Protocol.GradientSync;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;
using Xunit;

namespace Tulu2.Tests.Protocol.GradientSync;

/// <summary>A slot that ends workers, by the supervisor's pure state alone: two ranks with four slots each, of which step 1 is made.</summary>
public sealed class QuarantineSpec
{
    private static readonly StepSlot Slot = At(1, 2);

    private readonly int[] _incarnations = new int[2];
    private GradientSyncState _state = null!;
    private int _generation;

    [Fact]
    public void The_third_worker_that_ends_with_a_slot_under_way_ends_the_run_whoever_it_was()
    {
        Begin(quarantines: false);
        Assert.DoesNotContain(Die(0, 2, "was killed by signal 11 (SIGSEGV)"), IsEnd);
        Assert.DoesNotContain(Die(1, 2, "ended with exit code 134"), IsEnd);
        var failure = Assert.Single(Die(0, 2, "was killed by signal 9 (SIGKILL)").OfType<SyncEffect.Failed>()).Failure;
        Assert.Equal(
            "slot 2 of step 1 ended its workers 3 times (rank 0: was killed by signal 11 (SIGSEGV); rank 1: ended with exit code 134; rank 0: was killed by signal 9 (SIGKILL)); it has the rows of slot 2",
            failure.Error);
        Assert.Null(failure.BadInputWhere);
        Assert.Contains("look at its rows and at the machine", failure.BadInputFix);
    }

    [Fact]
    public void Where_memory_had_run_out_each_time_the_message_says_so_and_what_helps_is_another_thing()
    {
        Begin(quarantines: false);
        for (var death = 0; death < 2; death++) Die(death, 2, "killed", ofMemory: true);
        var failure = Assert.Single(Die(0, 2, "killed", ofMemory: true).OfType<SyncEffect.Failed>()).Failure;
        Assert.StartsWith("slot 2 of step 1 ended its workers 3 times for want of memory (", failure.Error);
        Assert.Contains("data.max_length and batch.slot decide it", failure.BadInputFix);
    }

    [Fact]
    public void By_recipe_the_slot_is_left_out_and_what_was_held_is_dropped_once()
    {
        Begin(quarantines: true);
        for (var death = 0; death < 2; death++) Die(0, 2, "killed");
        var effects = Die(1, 2, "killed");
        Assert.DoesNotContain(effects, IsEnd);
        Assert.Equal(Slot, Assert.Single(effects.OfType<SyncEffect.Quarantined>()).Slot);
        Assert.Contains("the rows of slot 2 are not learnt there", Assert.Single(effects.OfType<SyncEffect.Warned>()).Text);
        // Rank 0 says that it holds slots, of which nobody knows any more whether the poisoned one is in them.
        Assert.All(_begun, begin => Assert.Equal([Slot], begin.LeftOut));
        Assert.All(_begun, begin => Assert.Empty(begin.Keep));
        Assert.Equal(8, _begun.Sum(begin => begin.Compute.Sum(range => range.Count)));
        Assert.Equal([2], Commit(1).LeftOut.Select(slot => slot.Value));
        // In the next generation of another step it is no matter.
        Die(0, 1, "killed", step: 2);
        Assert.All(_begun, begin => Assert.Empty(begin.LeftOut));
        Assert.Empty(Commit(2).LeftOut);
    }

    [Fact]
    public void Deaths_over_other_slots_or_other_steps_or_none_do_not_add_up()
    {
        Begin(quarantines: false);
        for (var slot = 0; slot < 4; slot++)
            for (var death = 0; death < 2; death++)
                Assert.DoesNotContain(Die(death, slot, "killed"), IsEnd);
        // Loading, waiting, or with its slots done.
        for (var death = 0; death < 5; death++) Assert.DoesNotContain(Die(0, null, "killed"), IsEnd);
        Report(new WorkerReport.SlotBegun(Now, new Rank(0), new StepNumber(1), new SlotNumber(2)));
        Report(new WorkerReport.SlotDone(Now, new Rank(0), new StepNumber(1), new SlotNumber(2), 1));
        Assert.DoesNotContain(Die(0, null, "killed"), IsEnd);
        Commit(1);
        Assert.DoesNotContain(Die(0, 2, "killed", step: 2), IsEnd);
    }

    [Fact]
    public void What_takes_both_ranks_at_once_is_one_incident()
    {
        Begin(quarantines: false);
        for (var incident = 1; incident <= 3; incident++)
        {
            foreach (var rank in Rank.All(2)) Report(new WorkerReport.SlotBegun(Now, rank, new StepNumber(1), new SlotNumber(2)));
            Assert.Equal(incident == 3, Lose(0).Any(IsEnd));
            Assert.DoesNotContain(Lose(1), IsEnd);
            if (incident == 3) break;
            foreach (var rank in Rank.All(2)) Up(rank);
            Join(alone: true);
        }

        ImmutableArray<SyncEffect> Lose(int rank) => Take(new SyncCommand.RankLost(new Rank(rank), new Incarnation(_incarnations[rank]), "hung", default));
    }

    [Fact]
    public void A_run_that_goes_back_to_a_checkpoint_in_between_counts_on()
    {
        Begin(quarantines: true);
        Commit(1);
        for (var death = 0; death < 3; death++)
        {
            // Both are lost, and with them every copy: step 1 is made again.
            Assert.Equal(death == 2, Die(0, 3, "killed", step: 2, alone: true).Any(effect => effect is SyncEffect.Quarantined { Slot.Step.Value: 2 }));
            Assert.Empty(Commit(1).LeftOut);
        }
        Assert.Equal([3], Commit(2).LeftOut.Select(slot => slot.Value));
    }

    [Fact]
    public void A_fourth_slot_of_a_step_ends_the_run_and_so_does_one_that_the_step_was_committed_with()
    {
        Begin(quarantines: true);
        for (var slot = 0; slot < 3; slot++)
            for (var death = 0; death < 3; death++)
                Assert.DoesNotContain(Die(0, slot, "killed"), IsEnd);
        for (var death = 0; death < 2; death++) Die(0, 3, "killed");
        Assert.Contains("3 slots of the step are left out already", Assert.Single(Die(0, 3, "killed").OfType<SyncEffect.Failed>()).Failure.Error);

        Begin(quarantines: true, hashes: ImmutableDictionary<StepNumber, string>.Empty.Add(new StepNumber(1), "hash 1"));
        for (var death = 0; death < 2; death++) Die(0, 2, "killed");
        Assert.Contains("the step was committed with it before", Assert.Single(Die(0, 2, "killed").OfType<SyncEffect.Failed>()).Failure.Error);
    }

    [Fact]
    public void What_an_earlier_life_left_out_stays_so_whatever_the_recipe_says_now()
    {
        Begin(quarantines: false, quarantined: [Slot, At(5, 0)]);
        Assert.All(_begun, begin => Assert.Equal([Slot, At(5, 0)], begin.LeftOut));
        Assert.Equal([2], Commit(1).LeftOut.Select(slot => slot.Value));
    }

    private readonly List<WorkerCommand.Begin> _begun = [];

    private Generation Now => new(_generation);

    private static bool IsEnd(SyncEffect effect) => effect is SyncEffect.Failed;

    private static StepSlot At(int step, int slot) => new(new StepNumber(step), new SlotNumber(slot));

    private void Begin(bool quarantines, ImmutableHashSet<StepSlot>? quarantined = null, ImmutableDictionary<StepNumber, string>? hashes = null)
    {
        var rules = new SyncRules(new ParallelLayout(2), Slots: 8, LastStep: new StepNumber(9), CheckpointEvery: 0)
        {
            MostDeaths = 3,
            QuarantinesSlots = quarantines,
            RowsOf = (_, slot) => $"the rows of slot {slot}",
        };
        _state = GradientSyncState.Of(rules,
            new SyncStart(default, null, hashes ?? ImmutableDictionary<StepNumber, string>.Empty, ReferenceDue: false) { Quarantined = quarantined ?? [] }, ProgressLease.Default);
        (_generation, _incarnations[0], _incarnations[1]) = (0, 0, 0);
        foreach (var rank in Rank.All(2)) Up(rank);
        Join(alone: true);
    }

    // A rank's worker ends, and the next one comes; the other rank keeps its state and two slots, or is lost too.
    private List<SyncEffect> Die(int rank, int? slot, string why, bool ofMemory = false, int step = 1, bool alone = false)
    {
        var effects = new List<SyncEffect>();
        if (slot is { } number) effects.AddRange(Report(new WorkerReport.SlotBegun(Now, new Rank(rank), new StepNumber(step), new SlotNumber(number))));
        effects.AddRange(Take(new SyncCommand.RankLost(new Rank(rank), new Incarnation(_incarnations[rank]), why, default) { OfMemory = ofMemory }));
        if (effects.Any(IsEnd)) return effects;
        if (alone)
        {
            effects.AddRange(Take(new SyncCommand.RankLost(new Rank(1 - rank), new Incarnation(_incarnations[1 - rank]), "its node is gone", default)));
            effects.AddRange(Up(new Rank(1 - rank)));
        }
        effects.AddRange(Up(new Rank(rank)));
        Join(alone, new Rank(1 - rank), step - 1);
        return effects;
    }

    private ImmutableArray<SyncEffect> Up(Rank rank) => Take(new SyncCommand.RankUp(rank, new Incarnation(++_incarnations[rank]), "fake", default));

    private void Join(bool alone, Rank survivor = default, int step = -1)
    {
        _generation++;
        _begun.Clear();
        foreach (var rank in Rank.All(2))
        {
            var survives = !alone && rank == survivor;
            var effects = Report(new WorkerReport.Joined(Now, rank, new StepNumber(survives ? step : -1), survives ? [new SlotRange(4, 2)] : [], null));
            _begun.AddRange(effects.OfType<SyncEffect.Tell>().Select(tell => tell.Command).OfType<WorkerCommand.Begin>());
        }
        Assert.Equal(2, _begun.Count);
    }

    private StepCommit Commit(int step)
    {
        var effects = new List<SyncEffect>();
        foreach (var rank in Rank.All(2))
            effects.AddRange(Report(new WorkerReport.StepReady(Now, rank, new StepNumber(step), $"hash {step}", new StepMetrics(1, 1, 1, 1, 1, []), new StepTimes(0, 0, 0, 0))));
        return Assert.Single(effects.OfType<SyncEffect.Committed>()).Step;
    }

    private ImmutableArray<SyncEffect> Report(WorkerReport report) => Take(new SyncCommand.Reported(report, default));

    private ImmutableArray<SyncEffect> Take(SyncCommand command)
    {
        (_state, var effects) = _state.Decide(command);
        return effects;
    }
}
