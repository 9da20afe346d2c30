using FsCheck.Xunit;
using Tulu2.Collectives;
using Tulu2.Collectives.Layout;
using Tulu2.Data.Slots;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;
using Tulu2.Protocol.WorkQueues;
using Xunit;

namespace Tulu2.Tests.Protocol.WorkQueues;

public sealed class FeedWindowSpec
{
    private static WorkerCommand.Begin Begin(int step, params SlotRange[] compute) =>
        new(new Generation(1), new StepNumber(step), new StateTransfer.None(), [], compute);

    private static FeedWindow Feed(int replica, int replicas, int slots, StepNumber lastStep, int credits)
    {
        var feed = new FeedWindow(new ParallelLayout(1), slots, lastStep, credits);
        feed.Join(new WorkerCommand.JoinGeneration(new Generation(1), new Rank(replica), [.. Enumerable.Range(0, replicas).Select(rank => $"{rank}")]));
        return feed;
    }

    private static (StepNumber, SlotNumber) Slot(int step, int slot) => (new StepNumber(step), new SlotNumber(slot));

    [Theory]
    [InlineData(1, 4)]
    [InlineData(4, 5)]
    [InlineData(8, 9)]
    public void A_pipeline_is_fed_a_slot_for_every_stage_before_the_first_one_is_done(int stages, int asked) =>
        Assert.Equal(asked, FeedWindow.Of(new ParallelLayout(1, 1, stages), new Plan(false), lastStep: new StepNumber(9), credits: 4)
            .Begin(Begin(1, new SlotRange(0, 16))).Count);

    [Fact]
    public void Where_a_rank_needs_its_whole_step_it_is_fed_all_slots_that_it_may_have_to_compute() =>
        Assert.Equal(16, FeedWindow.Of(new ParallelLayout(2), new Plan(true), lastStep: new StepNumber(9), credits: 4)
            .Begin(Begin(1, new SlotRange(0, 16))).Count);

    private sealed class Plan(bool needsWholeStep) : IBatchPlan
    {
        public int TotalSteps => 9;
        public int SlotsPerStep => 16;
        public bool NeedsWholeStep => needsWholeStep;
        public long LossTokens(int step) => 0;
        public long LossTokens(int step, int slot) => 0;
        public long ChosenLossTokens(int step) => 0;
        public long Tokens(int step) => 0;
        public ReadOnlyMemory<int> Sequences(int step, int slot) => throw new NotSupportedException();
        public SlotBatch Read(int step, int slot) => throw new NotSupportedException();
    }

    [Fact]
    public void Slots_are_asked_for_ahead_as_far_as_the_credits_go_and_not_past_the_last_step()
    {
        var feed = Feed(replica: 1, replicas: 2, slots: 4, lastStep: new StepNumber(3), credits: 3);

        Assert.Equal([Slot(2, 0), Slot(3, 2), Slot(3, 3)], feed.Begin(Begin(2, new SlotRange(0, 1))));
        Assert.Empty(feed.Done(new StepNumber(2), new SlotNumber(0)));
        Assert.Empty(feed.Done(new StepNumber(2), new SlotNumber(0)));
    }

    [Fact]
    public void A_run_that_is_extended_asks_for_what_it_held_back()
    {
        var feed = Feed(replica: 0, replicas: 1, slots: 2, lastStep: new StepNumber(0), credits: 3);

        Assert.Empty(feed.Begin(Begin(1, new SlotRange(0, 2))));
        Assert.Equal([Slot(1, 0), Slot(1, 1)], feed.Extend(new StepNumber(1)));
        Assert.Equal([Slot(2, 0)], feed.Extend(new StepNumber(2)));
    }

    [Fact]
    public void A_step_begun_anew_asks_anew()
    {
        var feed = Feed(replica: 0, replicas: 1, slots: 2, lastStep: new StepNumber(9), credits: 2);
        feed.Begin(Begin(5, new SlotRange(0, 2)));

        Assert.Equal([Slot(3, 1), Slot(4, 0)], feed.Begin(Begin(3, new SlotRange(1, 1))));
    }

    [Fact]
    public void A_rank_without_slots_asks_for_nothing() =>
        Assert.Empty(Feed(replica: 3, replicas: 4, slots: 2, lastStep: new StepNumber(9), credits: 2).Begin(Begin(1)));

    [Fact]
    public void A_rank_of_another_generation_is_fed_its_share_of_those_that_take_part_now()
    {
        var feed = Feed(replica: 2, replicas: 4, slots: 8, lastStep: new StepNumber(9), credits: 4);
        Assert.Equal([Slot(1, 4), Slot(1, 5), Slot(2, 4), Slot(2, 5)], feed.Begin(Begin(1, new SlotRange(4, 2))));

        feed.Join(new WorkerCommand.JoinGeneration(new Generation(2), new Rank(2), ["zero", "two"]) { Ranks = [new Rank(0), new Rank(2)] });
        Assert.Equal([Slot(2, 7), Slot(3, 4), Slot(3, 5), Slot(3, 6)], feed.Begin(Begin(2, new SlotRange(7, 1))));
    }

    [Property]
    public void Every_slot_of_the_rank_is_asked_for_once_in_order(byte ranks, byte slots, byte steps, byte credits)
    {
        int size = 1 + ranks % 4, count = 1 + slots % 9, last = 1 + steps % 6;
        for (var rank = 0; rank < size; rank++)
        {
            var range = SlotAssignment.Range(count, size, rank);
            var feed = Feed(rank, size, count, new StepNumber(last), 2 + credits % 5);
            var asked = new List<(StepNumber Step, SlotNumber Slot)>(feed.Begin(Begin(1, range is { } first ? [first] : [])));
            for (var done = 0; done < asked.Count; done++)
            {
                Assert.InRange(asked.Count - done, 1, 2 + credits % 5);
                asked.AddRange(feed.Done(asked[done].Step, asked[done].Slot));
            }
            var slotsOf = range is { } r ? Enumerable.Range(r.First, r.Count) : [];
            Assert.Equal(from step in Enumerable.Range(1, last) from slot in slotsOf select Slot(step, slot), asked);
        }
    }
}
