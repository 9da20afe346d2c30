using Tulu2.ClusterTests.Processes;
using Xunit;
using Xunit.Abstractions;

namespace Tulu2.ClusterTests;

/// <summary>Ranks on several nodes, each a process of its own with worker processes of its own.</summary>
public sealed class LocalClusterTests(ITestOutputHelper log)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    [Fact]
    public async Task A_run_on_two_nodes_of_which_one_is_killed_makes_no_step_twice_and_ends_with_the_bits_of_one_rank()
    {
        using var small = await SmallRun.CreateAsync();
        var recipe = small.Recipe("sft", "fp32", steps: 40, checkpointEvery: 0);
        var quiet = await TuluProcess.RunJsonAsync(small.Cache, "train", recipe, "--run", small.Folder("quiet"), "--in-process", "--set", "parallel.data=1");

        var run = small.Folder("run");
        using var process = TuluProcess.Start(small.Cache, "train", recipe, "--run", run, "--nodes", "2", "--ranks-per-node", "2", "--json",
            // No rank has a twin: each one's copy is on the other node.
            "--set", "parallel.data=2", "--set", "parallel.tensor=2", "--set", "parallel.zero=2");
        Assert.True(await process.WaitForLinesAsync(Path.Combine(run, "metrics.jsonl"), 8, Patience), process.Output + process.Errors);
        var nodes = Children.Of(process.Id, "node");
        Assert.Equal(2, nodes.Length);
        var victim = nodes[TestSeed.Random(log).Next(2)];
        var workers = Children.Of(victim, "worker");
        log.WriteLine($"node {victim} is killed with its workers {string.Join(", ", workers)}");
        Assert.Equal(2, workers.Length);
        Children.Send(victim, Children.SignalKill);
        Assert.True(await Children.WaitAsync(() => !workers.Any(Children.IsAlive), TimeSpan.FromSeconds(10)), "workers live on without their node");
        Assert.True(await process.WaitForExitAsync(Patience) == 0, process.Output + process.Errors);

        Assert.Equal(quiet.GetProperty("parameters_sha256").GetString(), process.LastJson().GetProperty("parameters_sha256").GetString());
        log.WriteLine(process.Errors);
        Assert.Contains("was killed by signal 9 (SIGKILL); it is restarted", process.Errors, StringComparison.Ordinal);
        var (code, output, errors) = await TuluProcess.RunAsync(small.Cache, "ledger", "verify", run);
        Assert.True(code == 0, output + errors);
        Assert.Contains("40 steps, 0 replayed", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_node_that_cannot_be_started_again_ends_the_run_with_its_own_words()
    {
        using var small = await SmallRun.CreateAsync();
        var run = small.Folder("run");
        using var process = TuluProcess.Start(small.Cache, "train", small.Recipe("sft", "fp32", steps: 4000, checkpointEvery: 0), "--run", run, "--nodes", "1", "--ranks-per-node", "1");
        Assert.True(await process.WaitForLinesAsync(Path.Combine(run, "metrics.jsonl"), 2, Patience), process.Output + process.Errors);
        var node = Assert.Single(Children.Of(process.Id, "node"));
        var words = File.ReadAllText($"/proc/{node}/cmdline").Split('\0');
        var config = words[Array.IndexOf(words, "--config") + 1];
        File.Delete(config);
        Children.Send(node, Children.SignalKill);
        Assert.Equal(2, await process.WaitForExitAsync(Patience));
        Assert.Contains($"error: {config}\n       there is no such file", process.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_node_whose_parent_died_while_it_started_ends()
    {
        using var small = await SmallRun.CreateAsync();
        var config = small.Folder("node.conf");
        File.WriteAllText(config, "akka.cluster.seed-nodes = [\"akka.tcp://tulu2@127.0.0.1:1\"]");
        // Nobody's child any more: it is this process's, and was another one's.
        var (code, _, errors) = await TuluProcess.RunAsync(small.Cache, "node", "--config", config, "--child", "1");
        Assert.True(code == 1, errors);
    }

    [Fact]
    public async Task No_node_outlives_the_process_that_coordinates()
    {
        using var small = await SmallRun.CreateAsync();
        var recipe = small.Recipe("sft", "fp32", steps: 4000, checkpointEvery: 0);
        var run = small.Folder("run");
        using var process = TuluProcess.Start(small.Cache, "train", recipe, "--run", run, "--nodes", "2", "--ranks-per-node", "1");
        Assert.True(await process.WaitForLinesAsync(Path.Combine(run, "metrics.jsonl"), 2, Patience), process.Output + process.Errors);
        var nodes = Children.Of(process.Id, "node");
        int[] all = [.. nodes, .. nodes.SelectMany(node => Children.Of(node, "worker"))];
        Assert.Equal(4, all.Length);
        process.KillAlone();
        Assert.True(await Children.WaitAsync(() => !all.Any(Children.IsAlive), TimeSpan.FromSeconds(30)), "processes live on without their coordinator");
    }
}
