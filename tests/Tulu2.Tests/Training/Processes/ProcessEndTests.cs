using Tulu2.Training.Hosting;
using Xunit;

namespace Tulu2.Tests.Training.Processes;

public class ProcessEndTests
{
    [Fact]
    public void A_kill_by_the_kernel_for_lack_of_memory_is_told_from_other_kills()
    {
        Assert.Equal("was killed by signal 9 (SIGKILL)", ProcessEnd.Describe(137, memoryKills: 0));
        Assert.Equal("was killed by signal 9 (SIGKILL), probably by the kernel, which killed 2 processes meanwhile because memory had run out: `tulu2 plan` says what a rank needs",
            ProcessEnd.Describe(137, memoryKills: 2));
        Assert.Equal("was killed by signal 11 (SIGSEGV)", ProcessEnd.Describe(139, memoryKills: 1));
        Assert.Equal("ended with exit code 1", ProcessEnd.Describe(1, memoryKills: 1));
    }

    [Fact]
    public void The_kernels_count_is_read_where_there_is_one()
    {
        Assert.Equal(17, MemoryKills.In(["nr_free_pages 5", "oom_kill 17", "numa_hit 3"]));
        Assert.Equal(0, MemoryKills.In(["nr_free_pages 5", "oom_killer 17"]));
        Assert.InRange(MemoryKills.Count(), 0, long.MaxValue);
    }
}
