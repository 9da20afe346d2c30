using System.Diagnostics;
using Tulu2.ClusterTests.Processes;
using Xunit;

namespace Tulu2.ClusterTests;

/// <summary>A run on a small file system of its own, which others fill and make room on again.</summary>
public sealed class StorageTests
{
    private const int Steps = 240;

    [SkippableFact]
    public async Task While_the_disk_is_full_training_goes_on_from_memory_and_its_checkpoints_catch_up_when_there_is_room()
    {
        using var small = await SmallRun.CreateAsync();
        var recipe = small.Recipe("sft", "fp32", Steps, checkpointEvery: 5);
        var run = small.Folder("run");
        Directory.CreateDirectory(run);
        // A mount that nobody else sees, in name spaces of the run's own.
        string[] alone = ["unshare", "-rm", "sh", "-c", $"mount -t tmpfs -o size=64m none '{run}' && exec \"$@\"", "sh"];
        Skip.IfNot(MayMount(alone), "this user may not mount a file system in a name space of its own (unshare -rm)");
        using var process = TuluProcess.StartUnder(alone, small.Cache, "train", recipe, "--run", run, "--set", "parallel.data=2", "--json");
        var inside = $"/proc/{process.Id}/root{run}";
        var metrics = Path.Combine(inside, "metrics.jsonl");
        Assert.True(await process.WaitForLinesAsync(metrics, 10, TimeSpan.FromMinutes(2)), process.Output + process.Errors);

        var others = Path.Combine(inside, "others");
        await FillAsync(others, inside, left: 1 << 20);
        await UntilSaidAsync(process, "alarm: ");
        var made = File.ReadLines(metrics).Count();
        Assert.True(await process.WaitForLinesAsync(metrics, made + 10, TimeSpan.FromMinutes(1)), process.Output + process.Errors);
        File.Delete(others);
        await UntilSaidAsync(process, "caught up: ");
        Assert.True(await process.WaitForExitAsync(TimeSpan.FromMinutes(2)) == 0, process.Output + process.Errors);
        Assert.Single(process.Errors.Split('\n'), line => line.Contains("alarm: ", StringComparison.Ordinal));
        var disturbed = process.LastJson();
        Assert.Equal(Steps, disturbed.GetProperty("steps").GetInt32());

        var quiet = await TuluProcess.RunJsonAsync(small.Cache, "train", recipe, "--run", small.Folder("quiet"), "--set", "parallel.data=2");
        Assert.Equal(quiet.GetProperty("parameters_sha256").GetString(), disturbed.GetProperty("parameters_sha256").GetString());
    }

    private static bool MayMount(string[] alone)
    {
        using var process = Process.Start(new ProcessStartInfo(alone[0], [.. alone[1..], "true"]) { RedirectStandardError = true });
        process!.WaitForExit();
        return process.ExitCode == 0;
    }

    // Room for the lines of the ledger, and less than a checkpoint may take.
    private static async Task FillAsync(string file, string directory, long left)
    {
        await using var stream = new FileStream(file, FileMode.CreateNew);
        var block = new byte[1 << 16];
        while (new DriveInfo(directory).AvailableFreeSpace > left)
        {
            await stream.WriteAsync(block);
            await stream.FlushAsync();
        }
    }

    private static async Task UntilSaidAsync(TuluProcess process, string text)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        while (!process.Errors.Contains(text, StringComparison.Ordinal))
        {
            Assert.False(process.HasExited, process.Output + process.Errors);
            await timer.WaitForNextTickAsync(deadline.Token);
        }
    }
}
