using System.Diagnostics;
using Tulu2.Protocol.Workers;
using Tulu2.Tests.Data;
using Tulu2.Training.Hosting;
using Xunit;

namespace Tulu2.Tests.Training.Processes;

/// <summary>A process that was stopped before it has asked the kernel to end with its node ends with it all the same.</summary>
public sealed class StartedProcessesTests
{
    // Long beyond any test.
    private const string Sleep = "600";

    [Fact]
    public void What_is_left_at_the_end_is_killed_stopped_or_not()
    {
        var started = new StartedProcesses();
        using Process gone = Process.Start("true"), waiting = Process.Start("sleep", Sleep), stopped = Process.Start("sleep", Sleep);
        foreach (var process in new[] { gone, waiting, stopped }) started.Add(process);
        gone.WaitForExit();
        Stop(stopped);

        started.Kill();

        Assert.True(waiting.WaitForExit(TimeSpan.FromSeconds(10)));
        Assert.True(stopped.WaitForExit(TimeSpan.FromSeconds(10)));
        Assert.Equal(0, gone.ExitCode);
        started.Kill();
    }

    [Fact]
    public void A_worker_that_is_not_needed_any_more_before_it_has_connected_is_killed_at_once()
    {
        using var folder = new TemporaryFolder();
        var pid = folder.File("pid");
        // It does not connect, as one that was stopped while it loaded.
        var worker = new HostedProcess<WorkerReport>(
            new HostedProcessSettings<WorkerReport>(new WorkerProgram("sh", ["-c", $"echo $$ > {pid}; kill -STOP $$"]), "rank 0", WorkerStartCodec.ChannelCodecs, new WorkerCommand.Shutdown(),
                new WorkerCommand.Shutdown())
            {
                Patience = TimeSpan.FromMinutes(5),
                IsAlive = _ => false,
                IsReady = _ => false,
            }, _ => { }, (_, _) => { });
        Assert.True(SpinWait.SpinUntil(() => File.Exists(pid) && File.ReadAllText(pid).EndsWith('\n'), TimeSpan.FromSeconds(30)));

        var clock = Stopwatch.StartNew();
        worker.Dispose();

        Assert.InRange(clock.Elapsed.TotalSeconds, 0, 4);
        Assert.False(Directory.Exists($"/proc/{File.ReadAllText(pid).Trim()}"));
    }

    private static void Stop(Process process)
    {
        using var kill = Process.Start("kill", ["-STOP", $"{process.Id}"]);
        kill.WaitForExit();
    }
}
