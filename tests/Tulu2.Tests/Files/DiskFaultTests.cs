using Tulu2.Files;
using Tulu2.Protocol.Outcomes;
using Tulu2.Runs.Output;
using Xunit;

namespace Tulu2.Tests.Files;

public sealed class DiskFaultTests
{
    [Theory]
    [InlineData(28, true)]
    [InlineData(122, true)]
    [InlineData(unchecked((int)0x80070070), true)]
    [InlineData(13, false)]
    public void The_systems_number_tells_whatever_its_text(int number, bool full)
    {
        var fault = new IOException("kein Platz", number);
        Assert.Equal(full, DiskFault.IsFull(fault));
        Assert.Equal(full, DiskFault.IsFull(new InvalidOperationException("around it", new AggregateException(new TimeoutException(), fault))));
    }

    [Theory]
    [InlineData(28, "disk")]
    [InlineData(122, "disk")]
    [InlineData(30, "/data/x")]
    [InlineData(5, null)]
    public void What_the_user_can_mend_is_bad_input_wherever_it_was_met(int number, string? where)
    {
        var fault = new AggregateException(new IOException("refusé : '/data/x'", number));
        Assert.Equal(where, DiskFault.AsBadInput(fault)?.Where);
        Assert.Equal(where, RunFailure.Of(fault).BadInputWhere);
        Assert.Equal(where is null ? 1 : 2, ErrorReport.Of(RunFailure.Of(fault).ToException(), "log").Code);
    }

    [Fact]
    public void A_text_alone_tells_nothing() => Assert.False(DiskFault.IsFull(new IOException("No space left on device")));

    [SkippableFact]
    public void A_real_full_disk_is_recognised()
    {
        Skip.IfNot(File.Exists("/dev/full"), "the system has no /dev/full");
        var fault = Assert.ThrowsAny<IOException>(() => File.WriteAllText("/dev/full", "a"));
        Assert.True(DiskFault.IsFull(fault));
        Assert.Equal("No space left on device", DiskFault.AsBadInput(fault)!.What);
    }
}
