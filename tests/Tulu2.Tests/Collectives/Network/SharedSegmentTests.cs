using System.Diagnostics;
using Tulu2.Collectives.SharedMemory;
using Xunit;

namespace Tulu2.Tests.Collectives.Network;

/// <summary>Memory shared by two ends: found by its token alone, and by nobody once its maker has let it go.</summary>
public sealed class SharedSegmentTests
{
    [Fact]
    public void Both_ends_have_the_same_memory_until_its_maker_lets_go()
    {
        using var made = SharedSegment.TryCreate();
        Assert.NotNull(made);
        var token = made.Token;
        using (var opened = SharedSegment.TryOpen(made.Path, token)) Assert.Equal(token, opened?.Token);
        Assert.Null(SharedSegment.TryOpen(made.Path, new byte[token.Length]));
        made.Dispose();
        Assert.Null(SharedSegment.TryOpen(made.Path, token));
    }

    [Fact]
    public void Another_process_reaches_it()
    {
        using var made = SharedSegment.TryCreate();
        Assert.NotNull(made);
        using var other = Process.Start(new ProcessStartInfo("head", ["-c", $"{made.Token.Length}", made.Path]) { RedirectStandardOutput = true })!;
        var read = new MemoryStream();
        other.StandardOutput.BaseStream.CopyTo(read);
        Assert.Equal(made.Token, read.ToArray());
    }

    [Theory]
    [InlineData("/proc/self/fd/0")]
    [InlineData("/proc/1/../self/fd/3")]
    [InlineData("/dev/shm/tulu2-0")]
    [InlineData("/proc/1/fd/")]
    [InlineData("")]
    public void Other_paths_are_not_opened(string path) => Assert.Null(SharedSegment.TryOpen(path, new byte[16]));
}
