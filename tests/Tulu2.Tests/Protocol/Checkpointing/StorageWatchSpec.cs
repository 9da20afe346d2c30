using Tulu2.Protocol.Checkpointing;
using Tulu2.Protocol.Ids;
using Xunit;

namespace Tulu2.Tests.Protocol.Checkpointing;

public sealed class StorageWatchSpec
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Fact]
    public void An_alarm_is_raised_once_and_cleared_by_the_next_checkpoint_that_is_written()
    {
        var watch = new StorageWatch { Interval = Second };
        (watch, var raises, _) = watch.Fail();
        Assert.True(raises);
        (watch, raises, _) = watch.Fail();
        Assert.False(raises);
        (watch, var cleared) = watch.Write(new StepNumber(30));
        Assert.Equal("caught up: the checkpoint of step 30 is written, after 2 that were not", cleared);
        (watch, cleared) = watch.Write(new StepNumber(40));
        Assert.Null(cleared);
        Assert.True(watch.Fail().Raises);
    }

    [Fact]
    public void A_checkpoint_is_due_as_soon_as_the_storage_takes_files_and_more_rarely_where_it_takes_those_only()
    {
        var watch = new StorageWatch { Interval = Second };
        (watch, _, var wait) = watch.Fail();
        Assert.Equal(Second, wait);
        (watch, var isDue, var again) = watch.Tried(false);
        Assert.Equal((false, (TimeSpan?)Second), (isDue, again));
        var waits = new List<TimeSpan>();
        for (var times = 0; times < 8; times++)
        {
            (watch, isDue, again) = watch.Tried(true);
            Assert.Equal((true, (TimeSpan?)null), (isDue, again));
            (watch, _, wait) = watch.Fail();
            waits.Add(wait);
        }
        Assert.Equal([2, 4, 8, 16, 32, 64, 64, 64], waits.Select(time => (int)time.TotalSeconds));
        // A try that comes after a checkpoint was written changes nothing.
        (watch, _) = watch.Write(new StepNumber(1));
        Assert.Equal((watch, false, null), watch.Tried(true));
    }
}
