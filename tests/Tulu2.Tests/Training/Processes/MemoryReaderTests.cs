using Tulu2.Training.Hosting;
using Xunit;

namespace Tulu2.Tests.Training.Processes;

/// <summary>How much memory a machine has for this process and those that it starts.</summary>
public sealed class MemoryReaderTests
{
    private const long Machine = 16L << 30;

    private static readonly Dictionary<string, string> Bare = new()
    {
        ["/proc/meminfo"] = $"MemTotal:       {Machine >> 10} kB\nMemFree:          123 kB\nMemAvailable:      456 kB\n",
        ["/proc/sys/kernel/random/boot_id"] = "b00t\n",
        ["/proc/self/cgroup"] = "0::/user.slice/session-1.scope\n",
    };

    [Fact]
    public void Without_limits_it_is_all_that_the_machine_has_free_or_not() => Assert.Equal((Machine, "b00t"), Read());

    [Fact]
    public void The_smallest_limit_around_the_process_counts()
    {
        Assert.Equal((4L << 30, "b00t host /sys/fs/cgroup/user.slice"),
            Read(("/sys/fs/cgroup/user.slice/session-1.scope/memory.max", "max\n"), ("/sys/fs/cgroup/user.slice/memory.max", $"{4L << 30}\n"), ("/sys/fs/cgroup/memory.max", $"{8L << 30}\n")));
        Assert.Equal(Machine, Read(("/sys/fs/cgroup/user.slice/memory.max", $"{Machine + 1}\n")).Bytes);
    }

    [Fact]
    public void In_a_container_the_limit_is_at_the_root()
    {
        Assert.Equal(2L << 30, Read(("/proc/self/cgroup", "0::/\n"), ("/sys/fs/cgroup/memory.max", $"{2L << 30}\n")).Bytes);
        // The path is the host's, which is not to be seen from inside.
        Assert.Equal(2L << 30, Read(("/proc/self/cgroup", "5:devices:/docker/ab\n4:cpu,memory:/docker/ab\n"), ("/sys/fs/cgroup/memory/memory.limit_in_bytes", $"{2L << 30}\n")).Bytes);
        // No limit, as the first version of control groups writes it.
        Assert.Equal(Machine, Read(("/proc/self/cgroup", "4:memory:/\n"), ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n")).Bytes);
    }

    [Fact]
    public void This_machine_has_some()
    {
        var memory = MemoryReader.Read();
        Assert.InRange(memory.Bytes, 256L << 20, 1L << 50);
        Assert.NotEqual("", memory.Name);
    }

    private static (long Bytes, string Name) Read(params (string Path, string Text)[] files)
    {
        var all = new Dictionary<string, string>(Bare);
        foreach (var (path, text) in files) all[path] = text;
        var memory = MemoryReader.Read(all.GetValueOrDefault, "host");
        return (memory.Bytes, memory.Name);
    }
}
