using Akka.Actor;
using Akka.TestKit.Xunit2;
using Tulu2.Cluster.Nodes;
using Tulu2.Cluster.Runs;
using Tulu2.Collectives.Layout;
using Tulu2.Tests.Cluster.Fakes;
using Xunit;

namespace Tulu2.Tests.Cluster;

/// <summary>A node that is given ranks by a placement elsewhere.</summary>
public sealed class NodeAgentSpec : TestKit
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly SlowPreparation _preparation = new();
    private readonly Akka.TestKit.TestProbe _placement;
    private readonly Akka.TestKit.TestProbe _coordinator;
    private readonly IActorRef _agent;

    public NodeAgentSpec() : base(HostFixture.Settings.WithFallback(Tulu2.Cluster.Hosting.ActorHost.LocalConfig()))
    {
        (_placement, _coordinator) = (CreateTestProbe(), CreateTestProbe());
        _agent = Sys.ActorOf(Props.Create(() => new NodeAgent(new NodePlaces(2, _preparation))));
        var address = Akka.Cluster.Cluster.Get(Sys).SelfAddress;
        var run = new NodeRun("/runs/one", "hash", new ParallelLayout(2), 5, 5, 4, new byte[32]);
        _agent.Tell(new NodeProtocol.TakeRanks(1, _coordinator.Ref.Path.ToStringWithAddress(address), run, [0, 1]), _placement);
        Assert.True(_preparation.Begun.Wait(Patience));
    }

    [Fact]
    public async Task A_run_that_is_stopped_while_a_node_prepares_for_it_starts_no_worker_there()
    {
        _agent.Tell(RunProtocol.StopRanks.Instance, _placement);
        await _placement.ExpectMsgAsync<RunProtocol.RanksStopped>(Patience);
        await FreedAsync();
        Assert.Equal(0, _preparation.Cluster.Started);
    }

    [Fact]
    public async Task A_run_whose_coordinator_dies_while_a_node_prepares_for_it_leaves_nothing_there()
    {
        Watch(_placement.Ref);
        Sys.Stop(_placement.Ref);
        await ExpectTerminatedAsync(_placement.Ref, Patience);
        await FreedAsync();
    }

    [Fact]
    public async Task A_stop_of_another_run_stops_nothing()
    {
        var other = CreateTestProbe();
        _agent.Tell(RunProtocol.StopRanks.Instance, other);
        await other.ExpectMsgAsync<RunProtocol.RanksStopped>(Patience);
        _preparation.Go.Set();
        await AwaitConditionAsync(() => Task.FromResult(_preparation.Cluster.Started == 2), Patience);
        _agent.Tell(RunProtocol.StopRanks.Instance, _placement);
        await _placement.ExpectMsgAsync<RunProtocol.RanksStopped>(Patience);
    }

    // What was prepared is freed, which it is not while there are workers.
    private async Task FreedAsync()
    {
        _preparation.Go.Set();
        await AwaitConditionAsync(() => Task.FromResult(_preparation.IsFreed), Patience);
    }

    private sealed class SlowPreparation : INodePreparation, IDisposable
    {
        public FakeCluster Cluster { get; } = new(4, 5);
        public ManualResetEventSlim Begun { get; } = new();
        public ManualResetEventSlim Go { get; } = new();
        public bool IsFreed { get; private set; }

        public NodePlan Prepare(NodeRun run, string address)
        {
            Begun.Set();
            Go.Wait(Patience);
            return new NodePlan(run.Layout, Cluster, new FakePlan(4, 5), null, run.TotalSteps, run.RestartsPerMinute, run.Prefetch, this);
        }

        public void Dispose() => IsFreed = true;
    }
}
