using System.Diagnostics;
using Tulu2.Collectives.Links;
using Xunit;

namespace Tulu2.Tests.Collectives.Links;

/// <summary>Memory shared by two ends: opened only with its token, and not at all once its creator has closed it.</summary>
public sealed class SharedSegmentTests
{
    [Fact]
    public void Both_ends_map_the_same_memory_until_its_creator_closes_it()
    {
        using var created = SharedSegment.TryCreate();
        Assert.NotNull(created);
        var token = created.Token;
        using (var opened = SharedSegment.TryOpen(created.Path, token)) Assert.Equal(token, opened?.Token);
        Assert.Null(SharedSegment.TryOpen(created.Path, new byte[token.Length]));
        created.Dispose();
        Assert.Null(SharedSegment.TryOpen(created.Path, token));
    }

    [Fact]
    public void Another_process_can_open_it()
    {
        using var created = SharedSegment.TryCreate();
        Assert.NotNull(created);
        using var other = Process.Start(new ProcessStartInfo("head", ["-c", $"{created.Token.Length}", created.Path]) { RedirectStandardOutput = true })!;
        var read = new MemoryStream();
        other.StandardOutput.BaseStream.CopyTo(read);
        Assert.Equal(created.Token, read.ToArray());
    }

    [Theory]
    [InlineData("/proc/self/fd/0")]
    [InlineData("/proc/1/../self/fd/3")]
    [InlineData("/dev/shm/tulu2-0")]
    [InlineData("/proc/1/fd/")]
    [InlineData("")]
    public void Other_paths_are_not_opened(string path) => Assert.Null(SharedSegment.TryOpen(path, new byte[16]));
}
