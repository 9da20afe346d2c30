using Tulu2.ClusterTests.Processes;
using Xunit;
using Xunit.Abstractions;

namespace Tulu2.ClusterTests;

/// <summary>A cluster of <c>node</c> processes, and runs that are submitted to it.</summary>
public sealed class SubmitTests(ITestOutputHelper log)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);
    private static int _port = 20000 + Environment.ProcessId % 20000;

    /// <param name="hangs">Its machine hangs first: the cluster gives it up while it still has the run.</param>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_submitted_run_goes_on_when_its_coordinator_is_killed(bool hangs)
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
        if (hangs)
        {
            Children.Send(oldest.Id, Children.SignalStop);
            Assert.True(await Children.WaitAsync(() => submit.Errors.Contains("another process still has the run", StringComparison.Ordinal), Patience), submit.Errors);
        }
        oldest.KillAlone();
        var code = await submit.WaitForExitAsync(Patience);
        log.WriteLine(submit.Errors);
        Assert.True(code == 0, submit.Output + submit.Errors + string.Join('\n', coordinators.Processes.Select(process => process.Errors)) + trainer.Errors);
        Assert.Equal(quiet.GetProperty("parameters_sha256").GetString(), submit.LastJson().GetProperty("parameters_sha256").GetString());
        // The ranks lived on.
        var (verified, output, errors) = await TuluProcess.RunAsync(small.Cache, "ledger", "verify", run);
        Assert.True(verified == 0, output + errors);
        Assert.Contains("200 steps, 0 replayed", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_signal_to_the_submitter_stops_the_run_in_order_and_it_can_be_gone_on_with()
    {
        using var small = await SmallRun.CreateAsync();
        var recipe = small.Recipe("sft", "fp32", steps: 300, checkpointEvery: 100);
        var quiet = await TuluProcess.RunJsonAsync(small.Cache, "train", recipe, "--run", small.Folder("quiet"), "--in-process", "--set", "parallel.data=1");
        var port = Interlocked.Increment(ref _port);
        string[] seeds = [$"akka.tcp://tulu2@127.0.0.1:{port}"];
        using var node = Node(small, [], "node", "127.0.0.1", port, "coordinator\", \"trainer", seeds);
        var run = small.Folder("run");
        string[] arguments = ["submit", recipe, "--config", Config(small, "submit", "127.0.0.1", 0, "x", seeds), "--run", run, "--set", "parallel.data=2", "--json"];

        using (var submit = TuluProcess.Start(small.Cache, arguments))
        {
            Assert.True(await submit.WaitForLinesAsync(Path.Combine(run, "metrics.jsonl"), 5, Patience), submit.Output + submit.Errors);
            // As Ctrl-C, which a process that was started in the background may ignore.
            Children.Send(submit.Id, Children.SignalTerminate);
            Assert.Equal(143, await submit.WaitForExitAsync(Patience));
            Assert.Contains(", which is on disk", submit.Errors, StringComparison.Ordinal);
        }
        Assert.True(await Children.WaitAsync(() => Children.Of(node.Id, "worker").Length == 0, Patience), "workers live on without their run");

        var resumed = await TuluProcess.RunJsonAsync(small.Cache, [.. arguments[..^1], "--resume"]);
        Assert.Equal(quiet.GetProperty("parameters_sha256").GetString(), resumed.GetProperty("parameters_sha256").GetString());
    }

    [SkippableFact]
    public async Task A_run_over_two_network_namespaces_ends_with_the_bits_of_one_rank()
    {
        using var network = NetworkNamespaces.TryCreate(out var reason);
        Skip.If(network is null, reason);
        using var small = await SmallRun.CreateAsync();
        var recipe = small.Recipe("sft", "bf16", steps: 20, checkpointEvery: 5);
        var quiet = await TuluProcess.RunJsonAsync(small.Cache, "train", recipe, "--run", small.Folder("quiet"), "--in-process", "--set", "parallel.data=1");
        // Between machines as they should be: with certificates, for messages and tensors.
        await TuluProcess.RunJsonAsync(small.Cache, "cluster", "certificates", "--to", small.Folder("certificates"), "--node", "first", "second", "submit");
        string[] seeds = [$"akka.ssl.tcp://tulu2@{NetworkNamespaces.Addresses[0]}:4053"];
        using var first = Node(small, network.Inside(0), "first", NetworkNamespaces.Addresses[0], 4053, "coordinator\", \"trainer", seeds);
        using var second = Node(small, network.Inside(1), "second", NetworkNamespaces.Addresses[1], 4053, "trainer", seeds);

        using var submit = TuluProcess.StartUnder(network.Inside(1), small.Cache, "submit", recipe, "--config",
            Config(small, "submit", NetworkNamespaces.Addresses[1], 0, "x", seeds), "--run", small.Folder("run"), "--set", "parallel.data=4", "--json");
        var code = await submit.WaitForExitAsync(Patience);
        log.WriteLine(submit.Errors);
        Assert.True(code == 0, submit.Output + submit.Errors + first.Errors + second.Errors);
        Assert.Equal(quiet.GetProperty("parameters_sha256").GetString(), submit.LastJson().GetProperty("parameters_sha256").GetString());
        foreach (var address in NetworkNamespaces.Addresses) Assert.Contains($"are placed on akka.ssl.tcp://tulu2@{address}:", submit.Errors, StringComparison.Ordinal);
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
            {{(seeds[0].StartsWith("akka.ssl.", StringComparison.Ordinal) ? Tls(small.Folder("certificates"), name) : "")}}
            """);
        return path;
    }

    private static string Tls(string certificates, string name) => $$"""
        akka.remote.dot-netty.tcp.enable-ssl = on
        tulu2.tls {
          certificate = "{{certificates}}/nodes/{{name}}/node.crt"
          key = "{{certificates}}/nodes/{{name}}/node.key"
          authority = "{{certificates}}/shared/authority.crt"
          admitted = "{{certificates}}/shared/admitted"
        }
        """;

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
