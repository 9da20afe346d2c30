using Tulu2.Collectives.Network;
using Xunit;

namespace Tulu2.Tests.Collectives.Network;

/// <summary>What the log says of refused connections, however many there are.</summary>
public sealed class RefusalLogTests
{
    private readonly Clock _clock = new();
    private readonly List<string> _lines = [];

    [Fact]
    public void Of_each_kind_the_first_is_logged_at_once_and_later_ones_as_a_count_every_ten_seconds()
    {
        var log = new RefusalLog(_lines.Add, _clock);
        for (var tenth = 0; tenth < 400; tenth++)
        {
            log.Add("WrongKey", $"refused {tenth}");
            if (tenth == 5) log.Add("Malformed", "no hello");
            _clock.Now += TimeSpan.FromSeconds(0.1);
        }
        Assert.Equal(["refused 0", "no hello", "refused 100 (99 more of this kind since the last line)", "refused 200 (99 more of this kind since the last line)",
            "refused 300 (99 more of this kind since the last line)"], _lines);
        _lines.Clear();
        log.Flush();
        Assert.Equal("refused 399 (99 more of this kind since the last line)", Assert.Single(_lines));
    }

    [Fact]
    public void One_that_comes_alone_is_logged_whole()
    {
        var log = new RefusalLog(_lines.Add, _clock);
        log.Add("WrongKey", "one");
        _clock.Now += RefusalLog.Interval;
        log.Add("WrongKey", "other");
        log.Flush();
        Assert.Equal(["one", "other"], _lines);
    }

    private sealed class Clock : TimeProvider
    {
        public TimeSpan Now { get; set; }
        public override long TimestampFrequency => TimeSpan.TicksPerSecond;
        public override long GetTimestamp() => Now.Ticks;
    }
}
