using Tulu2.ClusterTests.Processes;
using Xunit;

namespace Tulu2.ClusterTests;

/// <summary>How commands end that are asked to, with real signals.</summary>
public sealed class InterruptTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task Every_signal_ends_a_run_after_its_step_and_the_run_goes_on()
    {
        using var small = await SmallRun.CreateAsync();
        var (recipe, run) = (small.Recipe("sft", "fp32", steps: 5000, checkpointEvery: 0), small.Folder("run"));
        var metrics = Path.Combine(run, "metrics.jsonl");
        var steps = 0;
        foreach (var (signal, name, code) in new[] { (1, "SIGHUP", 129), (3, "SIGQUIT", 131), (2, "SIGINT", 130), (15, "SIGTERM", 143) })
        {
            // Under nohup, or in the background of a script, the tests themselves ignore some of these signals, and what they start would too.
            string[] resume = steps == 0 ? [] : ["--resume"];
            using var process = TuluProcess.StartUnder(["env", "--default-signal"], small.Cache, ["train", recipe, "--run", run, "--set", "parallel.data=1", .. resume]);
            Assert.True(await process.WaitForLinesAsync(metrics, steps + 2, Deadline), process.Errors);
            process.Signal(signal);
            Assert.Equal(code, await process.WaitForExitAsync(Deadline));
            steps = File.ReadAllLines(metrics).Length;
            Assert.Contains($"stopped by {name} after step {steps}, which is on disk", process.Errors);
            Assert.Contains($"fix: `tulu2 train {recipe} --run {run} --set parallel.data=1 --resume` continues it", process.Errors);
            Assert.True(File.Exists(Path.Combine(run, "checkpoints", "manifests", $"step-{steps:D8}.json")));
        }
    }

    [Fact]
    public async Task A_run_directory_that_vanishes_is_named()
    {
        using var small = await SmallRun.CreateAsync();
        var run = small.Folder("run");
        using var process = TuluProcess.Start(small.Cache, "train", small.Recipe("sft", "fp32", steps: 5000, checkpointEvery: 0), "--run", run, "--set", "parallel.data=1");
        Assert.True(await process.WaitForLinesAsync(Path.Combine(run, "metrics.jsonl"), 2, Deadline), process.Errors);
        Directory.Delete(run, recursive: true);
        Assert.Equal(2, await process.WaitForExitAsync(Deadline));
        Assert.Contains($"error: {run}\n       the run directory disappeared during the run", process.Errors);
    }
}
