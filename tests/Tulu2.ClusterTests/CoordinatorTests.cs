using System.Text.Json;
using Tulu2.ClusterTests.Processes;
using Xunit;
using Xunit.Abstractions;

namespace Tulu2.ClusterTests;

/// <summary>The process that coordinates a run may be killed as well: the ranks live on, and nothing that was committed is made again.</summary>
public sealed class CoordinatorTests(ITestOutputHelper log)
{
    private const int Steps = 60;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <param name="spare">Another process is ready to take over; else one is started.</param>
    [Theory]
    [InlineData("sft", false)]
    [InlineData("dpo", true)]
    public async Task A_killed_coordinator_is_replaced_and_adopts_the_ranks(string objective, bool spare)
    {
        using var small = await SmallRun.CreateAsync();
        var recipe = small.Recipe(objective, "bf16", Steps, checkpointEvery: 25, more: "validation: { share: 0.1, every: 20 }");
        var quiet = await TuluProcess.RunJsonAsync(small.Cache, "train", recipe, "--run", small.Folder("quiet"), "--in-process", "--set", "parallel.data=1");
        var random = TestSeed.Random(log);
        var run = small.Folder("run");
        using var process = TuluProcess.Start(small.Cache, "train", recipe, "--run", run, "--set", "parallel.data=1", "--set", "parallel.tensor=2",
            "--set", $"parallel.spares={(spare ? 1 : 0)}", "--json");
        var first = Array.Empty<int>();
        for (var kills = 0; kills < 3; kills++)
        {
            var at = kills * Steps / 3 + random.Next(1, Steps / 6);
            Assert.True(await process.WaitForLinesAsync(Path.Combine(run, "metrics.jsonl"), at, Patience), process.Output + process.Errors);
            if (kills == 0) first = Children.Of(process.Id, "worker")[..2];
            var coordinators = Array.Empty<int>();
            Assert.True(await Children.WaitAsync(() => (coordinators = Children.Of(process.Id, "coordinator")).Length == (spare ? 2 : 1) || process.HasExited, Patience), process.Errors);
            log.WriteLine($"coordinator {coordinators[0]} killed after step {at}");
            Children.Send(coordinators[0], Children.SignalKill);
            Assert.True(await Children.WaitAsync(() => !Children.IsAlive(coordinators[0]), Patience));
            if (kills < 2) Assert.All(first, worker => Assert.True(Children.IsAlive(worker), $"worker {worker} did not live on"));
            // The last time a rank is lost with it.
            else Children.Send(first[0], Children.SignalKill);
        }
        Assert.Equal(0, await process.WaitForExitAsync(Patience));
        log.WriteLine(process.Errors);

        Assert.Equal(quiet.GetProperty("parameters_sha256").GetString(), process.LastJson().GetProperty("parameters_sha256").GetString());
        Assert.Equal(Figures(small.Folder("quiet")), Figures(run));
        Assert.Equal(3, process.Errors.Split("another one takes over").Length - 1);
        var (code, output, errors) = await TuluProcess.RunAsync(small.Cache, "ledger", "verify", run);
        Assert.True(code == 0, output + errors);
        Assert.Contains($"{Steps} steps, 0 replayed", output, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(run, "ledger", ".data-plane-key")));
        // The time without a coordinator is the run's, and in a class: the sums are checked above.
        var lost = File.ReadLines(Path.Combine(run, "ledger", "log.jsonl")).Where(line => line.Contains("\"kind\":\"recovered\",\"event\":{\"rank\":null", StringComparison.Ordinal));
        Assert.Equal(3, lost.Count());
    }

    [Fact]
    public async Task A_run_whose_launcher_is_killed_ends_in_order_and_goes_on_when_it_is_resumed()
    {
        using var small = await SmallRun.CreateAsync();
        var recipe = small.Recipe("sft", "fp32", Steps, checkpointEvery: 0);
        var quiet = await TuluProcess.RunJsonAsync(small.Cache, "train", recipe, "--run", small.Folder("quiet"), "--in-process", "--set", "parallel.data=1");
        var run = small.Folder("run");
        using (var process = TuluProcess.Start(small.Cache, "train", recipe, "--run", run, "--set", "parallel.data=1"))
        {
            Assert.True(await process.WaitForLinesAsync(Path.Combine(run, "metrics.jsonl"), 10, Patience), process.Output + process.Errors);
            process.KillAlone();
        }
        var resumed = await TuluProcess.RunJsonAsync(small.Cache, "train", recipe, "--run", run, "--set", "parallel.data=1", "--resume");
        Assert.Equal(quiet.GetProperty("parameters_sha256").GetString(), resumed.GetProperty("parameters_sha256").GetString());
        var (code, output, errors) = await TuluProcess.RunAsync(small.Cache, "ledger", "verify", run);
        Assert.True(code == 0, output + errors);
        Assert.Contains($"{Steps} steps, 0 replayed", output, StringComparison.Ordinal);
    }

    private static string[] Figures(string run) =>
        [.. File.ReadLines(Path.Combine(run, "metrics.jsonl")).Select(line =>
        {
            var step = JsonDocument.Parse(line).RootElement;
            return $"{step.GetProperty("step")} {step.GetProperty("loss").GetRawText()} {step.GetProperty("grad_norm").GetRawText()} {step.GetProperty("learning_rate").GetRawText()}";
        })];
}
