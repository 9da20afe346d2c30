using Tulu2.ClusterTests.Processes;
using Xunit;
using Xunit.Abstractions;

namespace Tulu2.ClusterTests;

/// <summary>Processes that are no nodes: a submitter that sleeps, is cut off or dies, and the commands that look at its run and end it.</summary>
public sealed class FromOutsideTests(ITestOutputHelper log)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);
    // Longer than a process of one host may be silent that is a member.
    private static readonly TimeSpan Nap = TimeSpan.FromSeconds(8);
    private static int _port = 30000 + Environment.ProcessId % 10000;

    [Fact]
    public async Task A_submitter_that_slept_comes_back_and_its_run_is_shown_and_ended_after_it_is_gone()
    {
        using var small = await SmallRun.CreateAsync();
        var recipe = small.Recipe("sft", "fp32", steps: 4000, checkpointEvery: 1000);
        var (run, metrics) = (small.Folder("run"), Path.Combine(small.Folder("run"), "metrics.jsonl"));
        var config = Config(small, "127.0.0.1", Interlocked.Increment(ref _port));
        using var node = TuluProcess.Start(small.Cache, "node", "--config", config);
        using (var submit = TuluProcess.Start(small.Cache, "submit", recipe, "--config", config, "--run", run, "--set", "parallel.data=2"))
        {
            Assert.True(await submit.WaitForLinesAsync(metrics, 5, Patience), submit.Errors + node.Errors);
            Children.Send(submit.Id, Children.SignalStop);
            await Task.Delay(Nap);
            Children.Send(submit.Id, Children.SignalContinue);
            var before = Progress(submit.Errors);
            Assert.True(await Children.WaitAsync(() => Progress(submit.Errors) > before, Patience), submit.Errors);
            Assert.DoesNotContain("   at ", submit.Errors, StringComparison.Ordinal);
            submit.KillAlone();
        }
        var status = await TuluProcess.RunJsonAsync(small.Cache, "status", "--config", config);
        Assert.True(Assert.Single(status.GetProperty("nodes").EnumerateArray()).GetProperty("reachable").GetBoolean());
        var shown = status.GetProperty("in_hand");
        Assert.Equal((run, "training", 4000), (shown.GetProperty("directory").GetString(), shown.GetProperty("state").GetString(), shown.GetProperty("steps").GetInt32()));
        Assert.InRange(shown.GetProperty("step").GetInt32(), 5, 3999);
        Assert.Equal(1, shown.GetProperty("generation").GetInt64());

        var (refused, _, why) = await TuluProcess.RunAsync(small.Cache, "cancel", "--config", config, "another");
        Assert.True(refused == 2 && why.Contains($"current run is another one: {run}", StringComparison.Ordinal), why);
        var ended = await TuluProcess.RunJsonAsync(small.Cache, "cancel", "--config", config, run);
        Assert.Equal("stopped", ended.GetProperty("state").GetString());
        Assert.True(File.Exists(Path.Combine(run, "checkpoints", "manifests", $"step-{ended.GetProperty("step").GetInt32():D8}.json")));
        var (code, output, errors) = await TuluProcess.RunAsync(small.Cache, "status", "--config", config);
        Assert.True(code == 0 && output.Contains($"last run    {run}", StringComparison.Ordinal), output + errors);
        log.WriteLine(node.Errors);
        // What the actor system says of all that is for the log file.
        foreach (var noise in new[] { "   at ", "Disassociated", "ClusterSingletonProxy", "warning:" }) Assert.DoesNotContain(noise, node.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_signal_ends_a_submitter_whose_cluster_is_gone_with_the_command_that_looks_at_the_run()
    {
        using var small = await SmallRun.CreateAsync();
        var config = Config(small, "127.0.0.1", Interlocked.Increment(ref _port), "coordinator");
        using var node = TuluProcess.Start(small.Cache, "node", "--config", config);
        using var submit = TuluProcess.Start(small.Cache, "submit", small.Recipe("sft", "fp32", steps: 4, checkpointEvery: 0), "--config", config, "--run", small.Folder("run"), "--set", "parallel.data=2");
        Assert.True(await Children.WaitAsync(() => submit.Errors.Contains("waiting for nodes", StringComparison.Ordinal), Patience), submit.Errors + node.Errors);
        node.KillAlone();
        Assert.True(await Children.WaitAsync(() => submit.Errors.Contains("no node of the cluster answers", StringComparison.Ordinal), Patience), submit.Errors);
        submit.Signal(Children.SignalTerminate);
        Assert.Equal(143, await submit.WaitForExitAsync(Patience));
        Assert.Contains($"stopped: the cluster does not answer, and the run may go on; `tulu2 status --config {config}` shows it", submit.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", submit.Errors, StringComparison.Ordinal);
        var (code, _, errors) = await TuluProcess.RunAsync(small.Cache, "status", "--config", config);
        Assert.True(code == 1 && errors.Contains("nothing listens there", StringComparison.Ordinal), errors);
    }

    [SkippableFact]
    public async Task A_submitter_that_was_cut_off_comes_back()
    {
        using var network = NetworkNamespaces.TryCreate(out var reason);
        Skip.If(network is null, reason);
        using var small = await SmallRun.CreateAsync();
        var (run, host) = (small.Folder("run"), NetworkNamespaces.Addresses[0]);
        using var node = TuluProcess.StartUnder(network.Inside(0), small.Cache, "node", "--config", Config(small, host, 4053));
        using var submit = TuluProcess.StartUnder(network.Inside(1), small.Cache, "submit", small.Recipe("sft", "fp32", steps: 300, checkpointEvery: 100),
            "--config", small.Folder("cluster.conf"), "--run", run, "--set", "parallel.data=2", "--json");
        Assert.True(await submit.WaitForLinesAsync(Path.Combine(run, "metrics.jsonl"), 5, Patience), submit.Errors + node.Errors);
        network.Cut();
        await Task.Delay(Nap);
        network.Repair();
        var code = await submit.WaitForExitAsync(Patience);
        log.WriteLine(submit.Errors);
        Assert.True(code == 0, submit.Output + submit.Errors + node.Errors);
        Assert.Equal(300, submit.LastJson().GetProperty("steps").GetInt32());
    }

    // How often a submitter was told how far its run is.
    private static int Progress(string errors) => errors.Split('\n').Count(line => line.Contains("tokens/s", StringComparison.Ordinal));

    private static string Config(SmallRun small, string host, int port, string roles = "coordinator\", \"trainer")
    {
        var path = small.Folder("cluster.conf");
        File.WriteAllText(path, $$"""
            akka.cluster.roles = ["{{roles}}"]
            akka.cluster.seed-nodes = ["akka.tcp://tulu2@{{host}}:{{port}}"]
            akka.remote.dot-netty.tcp { hostname = "{{host}}", port = {{port}} }
            tulu2.node.places = 2
            tulu2.tls.off-beyond-loopback = on
            """);
        return path;
    }
}
