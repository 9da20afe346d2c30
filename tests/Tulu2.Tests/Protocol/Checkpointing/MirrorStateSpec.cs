using FsCheck.Xunit;
using Tulu2.Protocol.Checkpointing;
using Tulu2.Protocol.Ids;
using Xunit;

namespace Tulu2.Tests.Protocol.Checkpointing;

public sealed class MirrorStateSpec
{
    private MirrorState _state = new();

    [Fact]
    public void One_checkpoint_is_copied_at_a_time_and_of_those_that_wait_only_the_newest()
    {
        Assert.Equal([new MirrorEffect.Copy(new StepNumber(1))], Written(1));
        Assert.Empty(Written(2));
        Assert.Equal("is 3 checkpoints behind: that of step 1 is still being copied", Assert.IsType<MirrorEffect.Raise>(Assert.Single(Written(3))).Text);
        Assert.Empty(Written(4));
        Assert.Equal([new MirrorEffect.Copy(new StepNumber(4))], Take(new MirrorCommand.Done(new StepNumber(1))));
        Assert.False(_state.IsSettled);
        Assert.Equal([new MirrorEffect.Clear("has caught up: it has the checkpoint of step 4")], Take(new MirrorCommand.Done(new StepNumber(4))));
        Assert.True(_state.IsSettled);
    }

    [Fact]
    public void A_place_that_refuses_is_an_alarm_once_and_is_tried_again_more_and_more_rarely_and_at_the_next_checkpoint()
    {
        Written(1);
        var first = Take(new MirrorCommand.Failed(new StepNumber(1), "full"));
        Assert.Equal("has no copy of the checkpoint of step 1: full", Assert.IsType<MirrorEffect.Raise>(first[0]).Text);
        var waits = new List<TimeSpan> { Assert.IsType<MirrorEffect.RetryIn>(first[1]).Time };
        for (var times = 0; times < 12; times++)
        {
            Assert.Equal([new MirrorEffect.Copy(new StepNumber(1))], Take(new MirrorCommand.Retry()));
            waits.Add(Assert.IsType<MirrorEffect.RetryIn>(Assert.Single(Take(new MirrorCommand.Failed(new StepNumber(1), "full")))).Time);
        }
        Assert.Equal(waits.Order(), waits);
        Assert.Equal((TimeSpan.FromSeconds(15), TimeSpan.FromMinutes(5)), (waits[0], waits[^1]));
        Assert.Equal([new MirrorEffect.Copy(new StepNumber(2))], Written(2));
        Assert.IsType<MirrorEffect.Clear>(Assert.Single(Take(new MirrorCommand.Done(new StepNumber(2)))));
    }

    [Fact]
    public void At_the_end_of_a_run_what_waits_is_copied_and_what_fails_then_is_left()
    {
        Written(1);
        Take(new MirrorCommand.Failed(new StepNumber(1), "full"));
        Assert.False(_state.IsSettled);
        Assert.Equal([new MirrorEffect.Copy(new StepNumber(1))], Take(new MirrorCommand.Close()));
        Assert.False(_state.IsSettled);
        Assert.Empty(Take(new MirrorCommand.Failed(new StepNumber(1), "full")));
        Assert.True(_state.IsSettled);
    }

    /// <summary>Whatever happens in whatever order: never two copies at once, alarms alternate with their end, and a place that works in the end has the newest.</summary>
    [Property(MaxTest = 300)]
    public void Whatever_happens_one_copy_is_under_way_and_in_the_end_the_newest_is_there(int seed)
    {
        _state = new MirrorState();
        var random = new Random(seed);
        var (step, copying, alarm) = (0, (StepNumber?)null, false);
        void See(IReadOnlyList<MirrorEffect> effects)
        {
            foreach (var effect in effects)
                switch (effect)
                {
                    case MirrorEffect.Copy copy:
                        Assert.Null(copying);
                        // Of several that wait the newest.
                        Assert.Equal(step, copy.Step.Value);
                        copying = copy.Step;
                        break;
                    case MirrorEffect.Raise:
                        Assert.False(alarm);
                        alarm = true;
                        break;
                    case MirrorEffect.Clear:
                        Assert.True(alarm);
                        alarm = false;
                        break;
                }
            Assert.Equal(copying, _state.Copying);
            Assert.Equal(alarm, _state.IsFailing);
        }
        void End(bool well)
        {
            if (copying is not { } ended) return;
            copying = null;
            See(Take(well ? new MirrorCommand.Done(ended) : new MirrorCommand.Failed(ended, "full")));
        }
        for (var times = random.Next(40); times > 0; times--)
            switch (random.Next(4))
            {
                case 0:
                    step++;
                    See(Written(step));
                    break;
                case 1:
                    See(Take(new MirrorCommand.Retry()));
                    break;
                default:
                    End(random.Next(2) == 0);
                    break;
            }
        See(Take(new MirrorCommand.Close()));
        while (!_state.IsSettled) End(well: true);
        Assert.Equal(step, _state.Copied?.Value ?? 0);
        Assert.False(alarm);
    }

    private IReadOnlyList<MirrorEffect> Written(int step) => Take(new MirrorCommand.Written(new StepNumber(step)));

    private IReadOnlyList<MirrorEffect> Take(MirrorCommand command)
    {
        (_state, var effects) = _state.Decide(command);
        return [.. effects];
    }
}
