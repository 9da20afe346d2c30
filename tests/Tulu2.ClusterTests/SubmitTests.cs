using Tulu2.ClusterTests.Processes;
using Xunit;
using Xunit.Abstractions;

namespace Tulu2.ClusterTests;

/// <summary>A cluster of <c>node</c> processes, and runs that are submitted to it.</summary>
public sealed class SubmitTests(ITestOutputHelper log)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);
    private static int _port = 20000 + Environment.ProcessId % 20000;

    [Fact]
    public async Task A_submitted_run_goes_on_when_its_coordinator_is_killed()
    {
        using var small = await SmallRun.CreateAsync();
        var recipe = small.Recipe("dpo", "fp32", steps: 200, checkpointEvery: 10);
        var quiet = await TuluProcess.RunJsonAsync(small.Cache, "train", recipe, "--run", small.Folder("quiet"), "--in-process", "--set", "parallel.data=1");
        int[] ports = [.. Enumerable.Range(0, 3).Select(_ => Interlocked.Increment(ref _port))];
        string[] seeds = [.. ports.Select(port => $"akka.tcp://tulu2@127.0.0.1:{port}")];
        using var coordinators = new Group([.. ports.Select(port => Node(small, [], $"coordinator{port}", "127.0.0.1", port, "coordinator", seeds))]);
        using var trainer = Node(small, [], "trainer", "127.0.0.1", 0, "trainer", seeds);

        var run = small.Folder("run");
        using var submit = TuluProcess.Start(small.Cache, "submit", recipe, "--config", Config(small, "submit", "127.0.0.1", 0, "x", seeds),
            "--run", run, "--set", "parallel.data=2", "--json");
        Assert.True(await submit.WaitForLinesAsync(Path.Combine(run, "metrics.jsonl"), 12, Patience), submit.Output + submit.Errors);
        // The oldest member has the coordinator: the first seed node to be up, which founded the cluster.
        var oldest = coordinators.Processes.Single(process => process.Id == HolderOf(run, coordinators));
        oldest.KillAlone();
        var code = await submit.WaitForExitAsync(Patience);
        log.WriteLine(submit.Errors);
        Assert.True(code == 0, submit.Output + submit.Errors + string.Join('\n', coordinators.Processes.Select(process => process.Errors)) + trainer.Errors);
        Assert.Equal(quiet.GetProperty("parameters_sha256").GetString(), submit.LastJson().GetProperty("parameters_sha256").GetString());
    }

    [SkippableFact]
    public async Task A_run_over_two_network_namespaces_ends_with_the_bits_of_one_rank()
    {
        using var network = NetworkNamespaces.TryCreate(out var reason);
        Skip.If(network is null, reason);
        using var small = await SmallRun.CreateAsync();
        var recipe = small.Recipe("sft", "bf16", steps: 20, checkpointEvery: 5);
        var quiet = await TuluProcess.RunJsonAsync(small.Cache, "train", recipe, "--run", small.Folder("quiet"), "--in-process", "--set", "parallel.data=1");
        string[] seeds = [$"akka.tcp://tulu2@{NetworkNamespaces.Addresses[0]}:4053"];
        using var first = Node(small, network.Inside(0), "first", NetworkNamespaces.Addresses[0], 4053, "coordinator\", \"trainer", seeds);
        using var second = Node(small, network.Inside(1), "second", NetworkNamespaces.Addresses[1], 4053, "trainer", seeds);

        using var submit = TuluProcess.StartUnder(network.Inside(1), small.Cache, "submit", recipe, "--config",
            Config(small, "submit", NetworkNamespaces.Addresses[1], 0, "x", seeds), "--run", small.Folder("run"), "--set", "parallel.data=4", "--json");
        var code = await submit.WaitForExitAsync(Patience);
        log.WriteLine(submit.Errors);
        Assert.True(code == 0, submit.Output + submit.Errors + first.Errors + second.Errors);
        Assert.Equal(quiet.GetProperty("parameters_sha256").GetString(), submit.LastJson().GetProperty("parameters_sha256").GetString());
        foreach (var address in NetworkNamespaces.Addresses) Assert.Contains($"are placed on akka.tcp://tulu2@{address}:", submit.Errors, StringComparison.Ordinal);
    }

    private static TuluProcess Node(SmallRun small, string[] wrapper, string name, string host, int port, string role, string[] seeds) =>
        TuluProcess.StartUnder(wrapper, small.Cache, "node", "--config", Config(small, name, host, port, role, seeds));

    private static string Config(SmallRun small, string name, string host, int port, string role, string[] seeds)
    {
        var path = small.Folder($"{name}.conf");
        File.WriteAllText(path, $$"""
            akka.cluster.roles = ["{{role}}"]
            akka.cluster.seed-nodes = [{{string.Join(", ", seeds.Select(seed => $"\"{seed}\""))}}]
            akka.remote.dot-netty.tcp { hostname = "{{host}}", port = {{port}} }
            tulu2.node.places = 2
            """);
        return path;
    }

    // Who has the ledger open writes it.
    private static int HolderOf(string run, Group nodes) => nodes.Processes.Select(process => process.Id).Single(id =>
        Directory.EnumerateFiles($"/proc/{id}/fd").Any(file => new FileInfo(file).LinkTarget?.StartsWith(Path.Combine(run, "ledger"), StringComparison.Ordinal) == true));

    private sealed class Group(TuluProcess[] processes) : IDisposable
    {
        public TuluProcess[] Processes { get; } = processes;

        public void Dispose()
        {
            foreach (var process in Processes) process.Dispose();
        }
    }
}
