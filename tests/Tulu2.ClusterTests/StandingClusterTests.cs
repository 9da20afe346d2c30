using Tulu2.ClusterTests.Processes;
using Xunit;
using Xunit.Abstractions;

namespace Tulu2.ClusterTests;

/// <summary>Run after run on nodes that go on.</summary>
public sealed class StandingClusterTests(ITestOutputHelper log)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);
    // Share of the messages between nodes that do not arrive.
    private const double Loss = 0.2;

    private static int _port = 40000 + Environment.ProcessId % 20000;

    [Fact]
    public async Task Four_runs_in_a_row_on_separate_nodes_of_which_every_fifth_message_is_lost_end_with_one_hash()
    {
        using var small = await SmallRun.CreateAsync();
        var recipe = small.Recipe("dpo", "fp32", steps: 12, checkpointEvery: 5);
        var quiet = await TuluProcess.RunJsonAsync(small.Cache, "train", recipe, "--run", small.Folder("quiet"), "--in-process", "--set", "parallel.data=1");
        var founder = Interlocked.Increment(ref _port);
        using var coordinator = Start("coordinator", founder, "coordinator", seed: 1, "node");
        using var first = Start("first", 0, "trainer", seed: 2, "node");
        using var second = Start("second", 0, "trainer", seed: 3, "node");

        for (var run = 1; run <= 4; run++)
        {
            using var submit = Start("submit", 0, "x", seed: 0, "submit", recipe, "--run", small.Folder($"run{run}"), "--set", "parallel.data=2", "--json");
            var code = await submit.WaitForExitAsync(Patience);
            log.WriteLine(submit.Errors);
            Assert.True(code == 0, string.Join('\n', submit.Output, submit.Errors, coordinator.Errors, first.Errors, second.Errors));
            Assert.Equal(quiet.GetProperty("parameters_sha256").GetString(), submit.LastJson().GetProperty("parameters_sha256").GetString());
            var (verified, output, errors) = await TuluProcess.RunAsync(small.Cache, "ledger", "verify", small.Folder($"run{run}"));
            Assert.True(verified == 0, output + errors);
        }

        TuluProcess Start(string name, int port, string role, int seed, params string[] command)
        {
            var config = small.Folder($"{name}.conf");
            File.WriteAllText(config, $$"""
                akka.cluster.roles = ["{{role}}"]
                akka.cluster.seed-nodes = ["akka.tcp://tulu2@127.0.0.1:{{founder}}"]
                akka.remote.dot-netty.tcp { hostname = "127.0.0.1", port = {{port}} }
                tulu2.node.places = 1
                tulu2.delivery.repeat-after = 100ms
                """);
            if (seed == 0) return TuluProcess.Start(small.Cache, [.. command, "--config", config]);
            File.AppendAllText(config, FormattableString.Invariant($$"""

                akka.actor.serializers.tulu = "Tulu2.Tests.Cluster.Fakes.LossySerializer, Tulu2.ClusterTests"
                tests.loss { seed = {{seed}}, share = {{Loss}} }
                """));
            // The hook has no work to do: the runtime loads its assembly, which has the serializer.
            return TuluProcess.StartUnder(["env", $"DOTNET_STARTUP_HOOKS={typeof(StandingClusterTests).Assembly.Location}"], small.Cache, [.. command, "--config", config]);
        }
    }
}
