using Tulu2.Files;
using Tulu2.Training.Optimization;
using Tulu2.Training.Recipes;
using Xunit;

namespace Tulu2.Tests.Training.Optimization;

/// <summary>The table of docs/reference/tulu2.md, SFT: the schedule.</summary>
public class LearningRateScheduleTests
{
    [Theory]
    [InlineData(0.03, 5096, false, 153)]
    [InlineData(0.03, 5096, true, 152)]
    [InlineData(0.1, 5808, false, 581)]
    [InlineData(0.1, 5808, true, 580)]
    [InlineData(0.07, 100, false, 7)]
    [InlineData(0.29, 100, true, 29)]
    [InlineData(0, 100, false, 0)]
    [InlineData(1, 100, false, 1)]
    [InlineData(150, 1000, true, 150)]
    public void A_warm_up_is_a_ratio_below_one_and_steps_from_one_on(double warmup, int total, bool roundDown, int steps) =>
        Assert.Equal(steps, LearningRateSchedule.Warmup(warmup, total, roundDown));

    [Fact]
    public void The_paper_s_schedule_has_the_paper_s_rates()
    {
        var schedule = new LearningRateSchedule(ScheduleKind.Linear, 2e-5, 5096, 153);
        Assert.Equal(0, schedule.At(0));
        Assert.Equal(1.307e-7, schedule.At(1), 1e-10);
        Assert.Equal(2e-5, schedule.At(153));
        Assert.Equal(1.031e-5, schedule.At(2548), 5e-9);
        Assert.Equal(4.05e-9, schedule.At(5095), 5e-12);
        Assert.Equal(0, schedule.At(5096));
    }

    [Fact]
    public void Rates_of_a_short_run_come_out_to_the_last_digit()
    {
        var schedule = new LearningRateSchedule(ScheduleKind.Linear, 0.001, 12, 2);
        Assert.Equal(
            [0.0, 0.0005, 0.001, 0.0009000000000000001, 0.0008, 0.0007, 0.0006000000000000001, 0.0005, 0.0004, 0.00030000000000000003, 0.0002, 0.0001],
            Enumerable.Range(0, 12).Select(schedule.At));
    }

    [Fact]
    public void A_constant_rate_begins_after_the_warm_up()
    {
        var schedule = new LearningRateSchedule(ScheduleKind.Constant, 0.5, 10, 2);
        Assert.Equal([0, 0.25, 0.5, 0.5], new[] { 0, 1, 2, 9 }.Select(schedule.At));
    }

    [Theory]
    [InlineData(-0.1)]
    [InlineData(1.5)]
    [InlineData(double.NaN)]
    public void A_warm_up_that_is_neither_is_refused(double warmup) =>
        Assert.Throws<BadInputException>(() => LearningRateSchedule.Warmup(warmup, 100, false));

    // transformers' get_cosine_schedule_with_warmup and get_cosine_with_min_lr_schedule_with_warmup, by hand: half a wave from the peak to the floor.
    [Theory]
    [InlineData(0, 0, 0)]
    [InlineData(0, 2, 1)]
    [InlineData(0, 6, 0.5)]
    [InlineData(0, 4, 0.8535533905932737)]
    [InlineData(0, 10, 0)]
    [InlineData(0.1, 2, 1)]
    [InlineData(0.1, 6, 0.55)]
    [InlineData(0.1, 10, 0.1)]
    [InlineData(0.1, 99, 0.1)]
    public void Cosine_goes_along_half_a_wave(double floor, int update, double rate) =>
        Assert.Equal(rate, new LearningRateSchedule(ScheduleKind.Cosine, 1, 10, 2, floor).At(update), 1e-15);

    [Theory]
    [InlineData(2, 1)]
    [InlineData(6, 0.625)]
    [InlineData(10, 0.25)]
    public void Linear_ends_at_its_floor(int update, double rate) => Assert.Equal(rate, new LearningRateSchedule(ScheduleKind.Linear, 1, 10, 2, 0.25).At(update));
}
