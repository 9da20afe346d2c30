using Tulu2.Protocol.Workers;
using Tulu2.Training.Communication;
using Xunit;

namespace Tulu2.Tests.Training.Workers;

public sealed class StepClockTests
{
    [Fact]
    public void Time_in_sums_and_waiting_for_a_stage_is_not_computing_and_the_wait_for_a_commit_counts_to_the_next_step()
    {
        var clock = new StepClock();
        clock.BeginStep();
        clock.SummedTensors(Seconds(2));
        clock.WaitedForStage(Seconds(4));
        clock.Computed(Seconds(16));
        clock.Waited(forData: true, forCommit: false, Seconds(32));
        clock.Reduced(Seconds(64), overlapped: Seconds(8));
        Assert.Equal(new StepTimes(10, 32, 64, 0, 2, 4, 8), clock.Times);

        clock.Waited(forData: false, forCommit: true, Seconds(128));
        clock.BeginStep();
        Assert.Equal(new StepTimes(0, 0, 0, 128), clock.Times);
    }

    [Fact]
    public void A_copy_for_a_checkpoint_and_a_state_that_is_brought_count_to_the_step_that_waits_for_them()
    {
        var clock = new StepClock();
        clock.BeginStep();
        clock.Stalled(Seconds(2));
        clock.Brought(Seconds(4));
        Assert.Equal(new StepTimes(0, 0, 0, 0), clock.Times);
        clock.BeginStep();
        Assert.Equal(new StepTimes(0, 0, 0, 0, Stall: 2, Transfer: 4), clock.Times);
        clock.BeginStep();
        Assert.Equal(new StepTimes(0, 0, 0, 0), clock.Times);
    }

    private static TimeSpan Seconds(int seconds) => TimeSpan.FromSeconds(seconds);
}
