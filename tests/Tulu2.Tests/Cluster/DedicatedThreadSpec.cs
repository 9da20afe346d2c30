using Tulu2.Cluster;
using Xunit;

namespace Tulu2.Tests.Cluster;

public sealed class DedicatedThreadSpec
{
    [Fact]
    public async Task Work_that_throws_is_reported_to_the_owner_and_the_thread_goes_on()
    {
        var (failures, done) = (new List<string>(), new List<int>());
        var thread = new DedicatedThread("test", fault => failures.Add(fault.Message));
        thread.Post(() => done.Add(1));
        thread.Post(() => throw new InvalidOperationException("broke"));
        thread.Post(() => done.Add(2));
        thread.Dispose();
        await thread.Completion.WaitAsync(TimeSpan.FromMinutes(1));
        Assert.Equal(["broke"], failures);
        Assert.Equal([1, 2], done);
    }
}
