using Akka.Configuration;
using Tulu2.Cluster.Configuration;
using Tulu2.Cluster.Evaluations;
using Tulu2.Cluster.Hosting;
using Tulu2.Cluster.Messages;
using Tulu2.Cluster.Nodes;
using Tulu2.Cluster.Ranks;
using Tulu2.Protocol.Placement;
using Xunit;

namespace Tulu2.Tests.Cluster.Fakes;

/// <summary>A cluster that stands: a node that coordinates and two that take ranks, each an actor system of its own in this process, over a network that may lose messages.</summary>
public sealed class FakeNodes : IAsyncLifetime
{
    private const string Settings = """
        akka.actor.serializers.tulu = "Tulu2.Tests.Cluster.Fakes.LossySerializer, Tulu2.Tests"
        # They share a process, and a machine that others use: nobody is given up.
        akka.cluster.failure-detector.acceptable-heartbeat-pause = 60s
        akka.remote.transport-failure-detector.acceptable-heartbeat-pause = 60s
        tulu2.delivery.repeat-after = 20ms
        tests.loss { seed = 1, share = 0 }
        tulu2.node.places = 2
        tulu2.node.evaluators = 4
        """;

    /// <summary>Memory of the machine that both nodes with ranks say they are on.</summary>
    internal static readonly MachineMemory Machine = new(1000, "one machine");

    private readonly List<ActorHost> _hosts = [];
    private readonly Preparations _preparations = new();

    internal ActorHost Coordinator => _hosts[0];

    public async Task InitializeAsync()
    {
        await StartAsync("coordinator", null);
        await Task.WhenAll(StartAsync("trainer", Coordinator.Address), StartAsync("trainer", Coordinator.Address));
    }

    public async Task DisposeAsync()
    {
        LossySerializer.Flip = null;
        foreach (var host in Enumerable.Reverse(_hosts)) await host.DisposeAsync();
    }

    /// <summary>What the nodes find in the run directory of the run to come.</summary>
    internal void Prepare(FakeRun run, IReferencePlan? reference) => _preparations.Of = node =>
        new NodePlan(node.Layout, run.Cluster, run.Plan, reference, null, node.TotalSteps, node.Prefetch);

    /// <summary>A node with evaluators joins; disposing of it lets it leave.</summary>
    internal Task<ActorHost> JoinAsync(IEvaluatorHosting evaluators) => StartAsync("evaluator", Coordinator.Address, evaluators);

    private async Task StartAsync(string role, string? seed)
    {
        var host = await StartAsync(role, seed, null);
        lock (_hosts) _hosts.Add(host);
    }

    private Task<ActorHost> StartAsync(string role, string? seed, IEvaluatorHosting? evaluators)
    {
        var config = ConfigurationFactory.ParseString($"akka.cluster.roles = [\"{role}\"]\nakka.cluster.seed-nodes = [{(seed is null ? "" : $"\"{seed}\"")}]")
            .WithFallback(ConfigurationFactory.ParseString(Settings));
        return ActorHost.StartAsync(new NodeSettings("", "") { Overrides = config, Preparation = _preparations, Memory = Machine, Evaluators = evaluators }, CancellationToken.None)
            .WaitAsync(TimeSpan.FromSeconds(60));
    }

    private sealed class Preparations : INodePreparation
    {
        public Func<NodeRun, NodePlan> Of { get; set; } = _ => throw new InvalidOperationException("no run");

        public NodePlan Prepare(NodeRun run, string address) => Of(run);
    }
}
