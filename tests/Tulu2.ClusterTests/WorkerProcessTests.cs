using System.Text.Json;
using Tulu2.ClusterTests.Processes;
using Xunit;
using Xunit.Abstractions;

namespace Tulu2.ClusterTests;

/// <summary>Ranks are processes: one that dies, however it dies, costs no bit of the result; none outlives its node.</summary>
public sealed class WorkerProcessTests(ITestOutputHelper log)
{
    private const int Steps = 60;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    [Theory]
    [InlineData("dpo", "bf16", 2, Children.SignalKill)]
    [InlineData("dpo", "fp32", 1, Children.SignalCrash)]
    public async Task Killed_workers_are_replaced_and_the_run_ends_with_the_same_bits(string objective, string precision, int ranks, int signal)
    {
        using var small = await SmallRun.CreateAsync();
        var recipe = small.Recipe(objective, precision, Steps, checkpointEvery: 4);
        var quiet = await TuluProcess.RunJsonAsync(small.Cache, "train", recipe, "--run", small.Folder("quiet"), "--in-process", "--set", "parallel.data=1");

        var random = TestSeed.Random(log);
        var run = small.Folder("run");
        using var process = TuluProcess.Start(small.Cache, "train", recipe, "--run", run, "--set", $"parallel.data={ranks}", "--json");
        for (var kills = 0; kills < 3; kills++)
        {
            var at = kills * Steps / 3 + random.Next(1, Steps / 8);
            Assert.True(await process.WaitForLinesAsync(Path.Combine(run, "metrics.jsonl"), at, Patience), process.Output + process.Errors);
            // The run may be between a worker's end and its successor's start.
            var workers = Array.Empty<int>();
            Assert.True(await Children.WaitAsync(() => (workers = Children.Of(process.Id, "worker")).Length == ranks, Patience));
            var victim = workers[random.Next(workers.Length)];
            log.WriteLine($"signal {signal} to worker {victim} after step {at}");
            Children.Send(victim, signal);
            Assert.True(await Children.WaitAsync(() => !Children.IsAlive(victim), Patience));
        }
        Assert.Equal(0, await process.WaitForExitAsync(Patience));

        Assert.Equal(quiet.GetProperty("parameters_sha256").GetString(), process.LastJson().GetProperty("parameters_sha256").GetString());
        Assert.Contains($"was killed by signal {signal} (", process.Errors, StringComparison.Ordinal);
        var (code, output, errors) = await TuluProcess.RunAsync(small.Cache, "ledger", "verify", run);
        Assert.True(code == 0, output + errors);
        Assert.InRange(Recoveries(run).Count, 1, 3);
    }

    // What each recovery of a run consisted of, as its ledger has it.
    private static List<JsonElement> Recoveries(string run) =>
        [.. File.ReadLines(Path.Combine(run, "ledger", "log.jsonl")).Select(line => JsonDocument.Parse(line).RootElement)
            .Where(entry => entry.GetProperty("kind").GetString() == "recovered").Select(entry => entry.GetProperty("event"))];

    [Fact]
    public async Task A_stopped_worker_is_ended_and_replaced()
    {
        using var small = await SmallRun.CreateAsync();
        var recipe = small.Recipe("sft", "fp32", Steps, checkpointEvery: 4);
        var quiet = await TuluProcess.RunJsonAsync(small.Cache, "train", recipe, "--run", small.Folder("quiet"), "--in-process", "--set", "parallel.data=1");
        var run = small.Folder("run");
        using var process = TuluProcess.Start(
            small.Cache, "train", recipe, "--run", run, "--set", "parallel.data=1", "--set", "parallel.tensor=2", "--set", "parallel.patience=3", "--json");
        Assert.True(await process.WaitForLinesAsync(Path.Combine(run, "metrics.jsonl"), 10, Patience), process.Output + process.Errors);
        var victim = Children.Of(process.Id, "worker")[^1];
        Children.Send(victim, Children.SignalStop);
        // Its silence and its rank's lack of progress are noticed at about the same time.
        Assert.True(await Children.WaitAsync(() => process.Errors.Contains("no sign of life", StringComparison.Ordinal)
            || process.Errors.Contains("no progress for ", StringComparison.Ordinal), Patience), process.Errors);
        Assert.True(await Children.WaitAsync(() => !Children.IsAlive(victim), Patience));
        Assert.Equal(0, await process.WaitForExitAsync(Patience));

        Assert.Equal(quiet.GetProperty("parameters_sha256").GetString(), process.LastJson().GetProperty("parameters_sha256").GetString());
        var (code, output, errors) = await TuluProcess.RunAsync(small.Cache, "ledger", "verify", run);
        Assert.True(code == 0, output + errors);
        // It counts as dead since its last word, not since it was ended.
        Assert.Contains(Recoveries(run), recovery => recovery.GetProperty("detect").GetDouble() > 1000);
    }

    /// <param name="first">At the run's first generation, or at the one that follows a worker's end.</param>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Workers_that_are_stopped_as_they_start_and_join_are_replaced_one_after_the_other(bool first)
    {
        using var small = await SmallRun.CreateAsync();
        var recipe = small.Recipe("sft", "fp32", Steps, checkpointEvery: 4);
        var quiet = await TuluProcess.RunJsonAsync(small.Cache, "train", recipe, "--run", small.Folder("quiet"), "--in-process", "--set", "parallel.data=1");
        var run = small.Folder("run");
        using var process = TuluProcess.Start(small.Cache, "train", recipe, "--run", run, "--set", "parallel.data=2", "--set", "parallel.min_data=2", "--set", "parallel.patience=5", "--json");
        var known = new HashSet<int>();
        if (!first)
        {
            Assert.True(await process.WaitForLinesAsync(Path.Combine(run, "metrics.jsonl"), 10, Patience), process.Output + process.Errors);
            known.UnionWith(Children.Of(process.Id, "worker"));
            Children.Send(known.First(), Children.SignalKill);
        }
        for (var stops = 1; stops <= 3; stops++)
        {
            var victim = 0;
            Assert.True(await Children.WaitAsync(() => (victim = Children.Of(process.Id, "worker").FirstOrDefault(worker => !known.Contains(worker))) > 0, Patience), process.Errors);
            known.Add(victim);
            Children.Send(victim, Children.SignalStop);
        }
        // Two minutes for each would be more than there are.
        Assert.Equal(0, await process.WaitForExitAsync(Patience));
        log.WriteLine(process.Errors);
        Assert.Equal(quiet.GetProperty("parameters_sha256").GetString(), process.LastJson().GetProperty("parameters_sha256").GetString());
    }

    [Fact]
    public async Task A_spare_worker_takes_the_place_of_one_that_is_killed_and_is_replaced_itself()
    {
        using var small = await SmallRun.CreateAsync();
        var recipe = small.Recipe("sft", "bf16", steps: 100, checkpointEvery: 0, preset: "demo");
        var quiet = await TuluProcess.RunJsonAsync(small.Cache, "train", recipe, "--run", small.Folder("quiet"), "--in-process", "--set", "parallel.data=1");
        var run = small.Folder("run");
        using var process = TuluProcess.Start(
            small.Cache, "train", recipe, "--run", run, "--set", "parallel.data=1", "--set", "parallel.tensor=2", "--set", "parallel.spares=1", "--json");
        async Task<int> SpareAsync(int besides)
        {
            var workers = Array.Empty<int>();
            Assert.True(await Children.WaitAsync(() => (workers = Children.Of(process.Id, "worker")).Length == 3 && workers[^1] != besides, Patience), process.Output + process.Errors);
            return workers[^1];
        }
        // One without a rank may die as well; nobody needs to hear of it.
        var idle = await SpareAsync(besides: 0);
        Children.Send(idle, Children.SignalKill);
        var spare = await SpareAsync(besides: idle);
        Children.Send(Children.Of(process.Id, "worker")[0], Children.SignalKill);
        var metrics = Path.Combine(run, "metrics.jsonl");
        Assert.True(await process.WaitForLinesAsync(metrics, File.ReadLines(metrics).Count() + 3, Patience), process.Errors);
        // Heard of now, since it is the worker of a rank.
        Children.Send(spare, Children.SignalKill);
        Assert.True(await Children.WaitAsync(() => process.Errors.Contains($"worker process {spare} was killed", StringComparison.Ordinal), Patience), process.Errors);
        Assert.Equal(0, await process.WaitForExitAsync(Patience));

        Assert.DoesNotContain($"worker process {idle} ", process.Errors, StringComparison.Ordinal);
        Assert.Equal(quiet.GetProperty("parameters_sha256").GetString(), process.LastJson().GetProperty("parameters_sha256").GetString());
        var (code, output, errors) = await TuluProcess.RunAsync(small.Cache, "ledger", "verify", run);
        Assert.True(code == 0, output + errors);
        Assert.Contains("100 steps, 0 replayed", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task No_worker_outlives_its_node()
    {
        using var small = await SmallRun.CreateAsync();
        var recipe = small.Recipe("sft", "fp32", steps: 4000, checkpointEvery: 0);
        var run = small.Folder("run");
        using var process = TuluProcess.Start(small.Cache, "train", recipe, "--run", run, "--set", "parallel.data=3");
        Assert.True(await process.WaitForLinesAsync(Path.Combine(run, "metrics.jsonl"), 2, Patience), process.Output + process.Errors);
        var workers = Children.Of(process.Id, "worker");
        Assert.Equal(3, workers.Length);
        process.KillAlone();
        Assert.True(await Children.WaitAsync(() => !workers.Any(Children.IsAlive), TimeSpan.FromSeconds(30)), "workers live on without their node");
    }
}
