using Tulu2.Files;
using Xunit;

namespace Tulu2.Tests.Files;

public sealed class DiskFullTests
{
    [Theory]
    [InlineData(28, true)]
    [InlineData(122, true)]
    [InlineData(unchecked((int)0x80070070), true)]
    [InlineData(13, false)]
    public void The_systems_number_tells_whatever_its_text(int number, bool full)
    {
        var fault = new IOException("kein Platz", number);
        Assert.Equal(full, DiskFull.Is(fault));
        Assert.Equal(full, DiskFull.Is(new InvalidOperationException("around it", new AggregateException(new TimeoutException(), fault))));
    }

    [Fact]
    public void A_text_alone_tells_nothing() => Assert.False(DiskFull.Is(new IOException("No space left on device")));

    [SkippableFact]
    public void A_real_full_disk_is_recognised()
    {
        Skip.IfNot(File.Exists("/dev/full"), "the system has no /dev/full");
        Assert.True(DiskFull.Is(Assert.ThrowsAny<IOException>(() => File.WriteAllText("/dev/full", "a"))));
    }
}
