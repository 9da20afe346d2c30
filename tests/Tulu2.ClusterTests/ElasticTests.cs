using Tulu2.ClusterTests.Processes;
using Xunit;
using Xunit.Abstractions;

namespace Tulu2.ClusterTests;

/// <summary>Ranks come and go while a run is under way, on purpose: the result has the same bits, and nothing is computed twice.</summary>
public sealed class ElasticTests(ITestOutputHelper log)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    [Fact]
    public async Task A_run_that_is_scaled_and_a_worker_that_is_told_to_end_cost_no_step()
    {
        using var small = await SmallRun.CreateAsync();
        var recipe = small.Recipe("sft", "bf16", steps: 150, checkpointEvery: 0, preset: "demo");
        var quiet = await TuluProcess.RunJsonAsync(small.Cache, "train", recipe, "--run", small.Folder("quiet"), "--in-process", "--set", "parallel.data=1");
        var run = small.Folder("run");
        using var process = TuluProcess.Start(small.Cache, "train", recipe, "--run", run, "--set", "parallel.data=1", "--json");
        var events = Path.Combine(run, "events.jsonl");
        Task<bool> SaysAsync(string text) => Children.WaitAsync(() => File.Exists(events) && File.ReadAllText(events).Contains(text, StringComparison.Ordinal), Patience);

        Assert.True(await process.WaitForLinesAsync(Path.Combine(run, "metrics.jsonl"), 2, Patience), process.Output + process.Errors);
        await ScaleAsync(small, run, 3);
        Assert.True(await SaysAsync("of 3 ranks"), process.Errors);
        var victim = Children.Of(process.Id, "worker")[0];
        Children.Send(victim, Children.SignalTerminate);
        Assert.True(await SaysAsync("leaves: it was told to end (SIGTERM)"), process.Errors);
        Assert.True(await Children.WaitAsync(() => !Children.IsAlive(victim), Patience));
        await ScaleAsync(small, run, 2);
        Assert.True(await SaysAsync("rank 2 released"), File.ReadAllText(events));
        Assert.True(await process.WaitForExitAsync(Patience) == 0, process.Output + process.Errors);

        Assert.Equal(quiet.GetProperty("parameters_sha256").GetString(), process.LastJson().GetProperty("parameters_sha256").GetString());
        Assert.DoesNotContain("was lost", File.ReadAllText(events), StringComparison.Ordinal);
        Assert.Contains("150 steps, 0 replayed", await VerifyAsync(small, run), StringComparison.Ordinal);
        var (code, _, errors) = await TuluProcess.RunAsync(small.Cache, "scale", run, "--data", "8");
        Assert.True(code == 2 && errors.Contains("a step has 7 slots", StringComparison.Ordinal), errors);
    }

    [Fact]
    public async Task A_node_that_is_told_to_end_lets_its_ranks_finish_their_step_and_the_others_go_on()
    {
        using var small = await SmallRun.CreateAsync();
        var recipe = small.Recipe("dpo", "fp32", steps: 60, checkpointEvery: 0, preset: "demo");
        var quiet = await TuluProcess.RunJsonAsync(small.Cache, "train", recipe, "--run", small.Folder("quiet"), "--in-process", "--set", "parallel.data=1");
        var run = small.Folder("run");
        using var process = TuluProcess.Start(small.Cache, "train", recipe, "--run", run, "--nodes", "2", "--ranks-per-node", "1", "--json", "--set", "parallel.data=2");
        Assert.True(await process.WaitForLinesAsync(Path.Combine(run, "metrics.jsonl"), 3, Patience), process.Output + process.Errors);
        var victim = Children.Of(process.Id, "node")[TestSeed.Random(log).Next(2)];
        Children.Send(victim, Children.SignalTerminate);
        Assert.True(await Children.WaitAsync(() => !Children.IsAlive(victim), Patience), process.Errors);
        Assert.True(await process.WaitForExitAsync(Patience) == 0, process.Output + process.Errors);

        Assert.Equal(quiet.GetProperty("parameters_sha256").GetString(), process.LastJson().GetProperty("parameters_sha256").GetString());
        var events = File.ReadAllText(Path.Combine(run, "events.jsonl"));
        log.WriteLine(string.Join('\n', events.Split('\n').Where(line => line.Contains("generation ", StringComparison.Ordinal))));
        Assert.Contains("was told to end", events, StringComparison.Ordinal);
        Assert.Contains("of 1 rank:", events, StringComparison.Ordinal);
        Assert.DoesNotContain("was lost", events, StringComparison.Ordinal);
        Assert.Contains("60 steps, 0 replayed", await VerifyAsync(small, run), StringComparison.Ordinal);
    }

    private static async Task ScaleAsync(SmallRun small, string run, int data)
    {
        var (code, output, errors) = await TuluProcess.RunAsync(small.Cache, "scale", run, "--data", $"{data}");
        Assert.True(code == 0, output + errors);
    }

    private static async Task<string> VerifyAsync(SmallRun small, string run)
    {
        var (code, output, errors) = await TuluProcess.RunAsync(small.Cache, "ledger", "verify", run);
        Assert.True(code == 0, output + errors);
        return output;
    }
}
