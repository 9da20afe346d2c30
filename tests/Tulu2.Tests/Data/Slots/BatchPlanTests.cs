using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Tulu2.Data.Slots;
using Tulu2.Files;
using Xunit;

namespace Tulu2.Tests.Data.Slots;

public sealed class BatchPlanTests
{
    [Theory]
    [InlineData(326_154, 128, 2.0, 5_096)]
    [InlineData(326_154, 32, 2.0, 20_384)]
    public void Step_counts_of_instruction_runs_match_the_spec(int rows, int global, double epochs, int steps) =>
        Assert.Equal(steps, new BatchPlan(TableSource.OfCount(rows), new(global, 1, Epochs: epochs)).TotalSteps);

    [Theory]
    [InlineData(61_966, 5_808)]
    [InlineData(60_829, 5_700)]
    [InlineData(61_135, 5_730)]
    public void Step_counts_of_preference_runs_match_the_spec(int pairs, int steps) =>
        Assert.Equal(steps, new BatchPlan(TableSource.OfCount(2 * pairs), new(32, 4, Preferences: true, Epochs: 3)).TotalSteps);

    [Fact]
    public void Steps_may_wrap_over_epochs_and_epochs_may_be_fractions()
    {
        Assert.Equal(100, new BatchPlan(TableSource.OfCount(10), new(4, 2, Steps: 100)).TotalSteps);
        Assert.Equal(3, new BatchPlan(TableSource.OfCount(300), new(10, 10, Epochs: 0.1)).TotalSteps);
        Assert.Equal(45, new BatchPlan(TableSource.OfCount(300), new(10, 10, Epochs: 1.5)).TotalSteps);
    }

    [Theory]
    [InlineData(4, 3, 1.0, null, "batch.slot")]
    [InlineData(11, 1, 1.0, null, "batch.global")]
    [InlineData(0, 1, 1.0, null, "batch.global")]
    [InlineData(4, 0, 1.0, null, "batch.slot")]
    [InlineData(4, 2, 1.0, 5, "epochs")]
    [InlineData(4, 2, null, null, "epochs")]
    [InlineData(4, 2, -1.0, null, "epochs")]
    [InlineData(4, 2, double.NaN, null, "epochs")]
    [InlineData(4, 2, 0.1, null, "epochs")]
    [InlineData(4, 2, null, 0, "steps")]
    public void A_batch_that_cannot_be_is_bad_input_that_names_the_key(int global, int slot, double? epochs, int? steps, string key) =>
        Assert.Equal(key, Assert.Throws<BadInputException>(
            () => new BatchPlan(TableSource.OfCount(10), new(global, slot, Epochs: epochs, Steps: steps))).Where);

    [Fact]
    public void Too_few_rows_are_told_with_their_number()
    {
        var failure = Assert.Throws<BadInputException>(() => new BatchPlan(TableSource.OfCount(20), new(32, 4, Preferences: true, Epochs: 1)));
        Assert.Contains("10 usable pairs", failure.What);
        Assert.Contains("at most 10", failure.Fix);
    }

    [Property(MaxTest = 60)]
    public void Every_row_of_an_epoch_comes_at_most_once_and_only_the_remainder_is_dropped(
        PositiveInt rows, PositiveInt slot, PositiveInt slots, bool packing, int seed)
    {
        var (size, global) = (1 + slot.Get % 5, (1 + slot.Get % 5) * (1 + slots.Get % 4));
        var count = global + rows.Get;
        var plan = new BatchPlan(TableSource.OfCount(count), new(global, size, packing, Seed: seed, Epochs: 2));
        foreach (var epoch in new[] { 0, 1 })
        {
            var seen = Enumerable.Range(1 + epoch * plan.StepsPerEpoch, plan.StepsPerEpoch)
                .SelectMany(step => Enumerable.Range(0, plan.SlotsPerStep).SelectMany(slotNumber => plan.Sequences(step, slotNumber).ToArray()))
                .ToList();
            Assert.Equal(count / global * global, seen.Count);
            Assert.Equal(seen.Count, seen.Distinct().Count());
        }
    }

    [Property(MaxTest = 40)]
    public void The_order_is_pure_whatever_was_asked_before(int seed, NonEmptyArray<PositiveInt> asked)
    {
        var source = TableSource.OfCount(103);
        var settings = new BatchSettings(8, 2, Packing: false, Seed: seed, Epochs: 6);
        var used = new BatchPlan(source, settings);
        foreach (var number in asked.Get)
        {
            var step = 1 + number.Get % used.TotalSteps;
            Assert.Equal(new BatchPlan(source, settings).Sequences(step, 3).ToArray(), used.Sequences(step, 3).ToArray());
        }
    }

    [Property(MaxTest = 40)]
    public void Loss_tokens_of_a_step_are_the_sum_over_its_slots_and_over_what_is_read(bool packing, bool preferences, int seed)
    {
        var plan = new BatchPlan(TableSource.OfCount(100), new(12, 3, packing, Seed: seed, Preferences: preferences, Steps: 9));
        for (var step = 1; step <= plan.TotalSteps; step++)
        {
            var read = Enumerable.Range(0, plan.SlotsPerStep).Select(slot => plan.Read(step, slot)).ToList();
            Assert.Equal(plan.LossTokens(step), read.Sum(batch => (long)batch.Targets.Length));
            Assert.Equal(plan.LossTokens(step), Enumerable.Range(0, plan.SlotsPerStep).Sum(slot => plan.LossTokens(step, slot)));
            Assert.Equal(plan.Tokens(step), read.Sum(batch => (long)batch.Tokens));
        }
    }

    [Fact]
    public void The_permutation_is_the_one_it_always_was()
    {
        // A changed value here would silently change the order of every run that is resumed.
        Assert.Equal(Known, SampleOrder.Permutation(10, 42, 0));
        Assert.NotEqual(Known, SampleOrder.Permutation(10, 42, 1));
        Assert.NotEqual(Known, SampleOrder.Permutation(10, 43, 0));
    }

    private static readonly int[] Known = [2, 8, 9, 7, 1, 4, 6, 0, 5, 3];

    [Fact]
    public void Without_shuffling_every_epoch_is_the_files_order()
    {
        var plan = new BatchPlan(TableSource.OfCount(10), new(4, 2, Shuffle: false, Steps: 4));
        Assert.Equal([0, 1], plan.Sequences(1, 0).ToArray());
        Assert.Equal([6, 7], plan.Sequences(2, 1).ToArray());
        Assert.Equal([0, 1], plan.Sequences(3, 0).ToArray());
    }
}
