using Akka.Actor;
using Akka.TestKit.Xunit2;
using Tulu2.Cluster.Configuration;
using Tulu2.Cluster.Messages;
using Tulu2.Cluster.Nodes;
using Tulu2.Collectives.Layout;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Placement;
using Tulu2.Protocol.Workers;
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

    public NodeAgentSpec() : base(HostFixture.Settings.WithFallback(ClusterConfig.LocalConfig()))
    {
        (_placement, _coordinator) = (CreateTestProbe(), CreateTestProbe());
        _agent = Sys.ActorOf(Props.Create(() => new NodeAgent(new NodeCapacity(2, _preparation, MachineMemory.Unknown))));
        Take("hash", _placement, new byte[32]);
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
    public async Task Ranks_whose_coordinator_dies_live_on_for_the_next_one_of_their_run_and_end_for_another_run()
    {
        _preparation.Go.Set();
        var workers = _preparation.Workers;
        await AwaitConditionAsync(() => Task.FromResult(_preparation.Cluster.Started == 2), Patience);
        Sys.Stop(_placement.Ref);
        await AwaitConditionAsync(() => Task.FromResult(workers.Left == 2), Patience);

        var next = CreateTestProbe();
        _agent.Tell(NodeProtocol.Invite.Instance, next);
        var places = await next.ExpectMsgAsync<NodeProtocol.Places>(Patience);
        Assert.Equal(("/runs/one", "hash"), (places.RunDirectory, places.RecipeHash));
        Assert.Equal([0, 1], places.Living.Select(rank => rank.Value));
        Take("hash", next, new byte[32]);
        await AwaitConditionAsync(() => Task.FromResult(_preparation.Cluster.Started == 4), Patience);
        Assert.Equal((1, 0, false), (_preparation.Times, _preparation.Cluster.Ended, _preparation.IsFreed));

        Sys.Stop(next.Ref);
        await AwaitConditionAsync(() => Task.FromResult(workers.Left == 4), Patience);
        Take("another", CreateTestProbe(), new byte[32]);
        await AwaitConditionAsync(() => Task.FromResult(_preparation.Times == 2 && _preparation.IsFreed && workers.IsDisposed), Patience);
    }

    private void Take(string hash, Akka.TestKit.TestProbe placement, byte[] key) => _agent.Tell(new NodeProtocol.TakeRanks(
        1, _coordinator.Ref.Path.ToStringWithAddress(Akka.Cluster.Cluster.Get(Sys).SelfAddress),
        new NodeRun("/runs/one", hash, new ParallelLayout(2), 5, 4, key), [new Rank(0), new Rank(1)]), placement);

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

    [Fact]
    public async Task Ranks_of_another_run_start_when_no_worker_of_the_run_before_is_left()
    {
        var (first, second) = (CreateTestProbe(), CreateTestProbe());
        var agent = Sys.ActorOf(Props.Create(() => new NodeAgent(null)));
        var cluster = new FakeCluster(4, 5);
        agent.Tell(Start(cluster), first);
        await AwaitConditionAsync(() => Task.FromResult(cluster.Started == 2), Patience);

        var next = new LaterWorkers(cluster);
        agent.Tell(Start(next), second);
        await AwaitConditionAsync(() => Task.FromResult(next.Cluster.Started == 2), Patience);

        Assert.Equal((2, 2), next.Before);
        agent.Tell(RunProtocol.StopRanks.Instance, second);
        await second.ExpectMsgAsync<RunProtocol.RanksStopped>(Patience);
        Assert.Equal(2, next.Cluster.Ended);
    }

    [Fact]
    public async Task A_node_that_is_about_to_end_says_so_and_ends_when_its_ranks_are_released()
    {
        _preparation.Go.Set();
        await AwaitConditionAsync(() => Task.FromResult(_preparation.Cluster.Started == 2), Patience);
        var host = CreateTestProbe();
        _agent.Tell(NodeAgent.Drain.Instance, host);
        await _placement.ExpectMsgAsync<NodeProtocol.Leaving>(Patience);
        // Until they are, it takes no other ones.
        Take("hash", CreateTestProbe(), new byte[32]);
        await host.ExpectNoMsgAsync(TimeSpan.FromMilliseconds(100));
        Sys.ActorSelection(_agent.Path / "rank-trainers-*" / "*").Tell(RankProtocol.Release.Instance);
        await host.ExpectMsgAsync<NodeAgent.Drained>(Patience);
        Assert.Equal((2, 2), (_preparation.Cluster.Started, _preparation.Cluster.Ended));
    }

    [Fact]
    public async Task A_run_of_this_node_gets_more_workers_and_again_those_that_it_has_released()
    {
        _preparation.Go.Set();
        var (run, workers, agent) = (CreateTestProbe(), new FakeCluster(4, 5), Sys.ActorOf(Props.Create(() => new NodeAgent(null))));
        agent.Tell(Start(new LaterWorkers(workers) { Cluster = workers }), run);
        agent.Tell(new RunProtocol.Resize(4), run);
        await AwaitConditionAsync(() => Task.FromResult(workers.Started == 4), Patience);
        Sys.ActorSelection(agent.Path / "rank-trainers-*" / "3").Tell(RankProtocol.Release.Instance);
        agent.Tell(new RunProtocol.RanksReleased([new Rank(3)]), run);
        await AwaitConditionAsync(() => Task.FromResult(workers.Ended == 1), Patience);
        agent.Tell(new RunProtocol.Resize(4), run);
        await AwaitConditionAsync(() => Task.FromResult(workers.Started == 5), Patience);
        agent.Tell(RunProtocol.StopRanks.Instance, run);
        await run.ExpectMsgAsync<RunProtocol.RanksStopped>(Patience);
        Assert.Equal(5, workers.Ended);
    }

    [Fact]
    public async Task Ranks_of_a_run_of_this_node_wait_while_it_prepares_for_a_placement()
    {
        var next = new LaterWorkers(_preparation.Cluster);
        _agent.Tell(Start(next), CreateTestProbe());
        _preparation.Go.Set();
        await AwaitConditionAsync(() => Task.FromResult(next.Cluster.Started == 2), Patience);
        Assert.Equal((2, 2), next.Before);
    }

    private NodeAgent.StartRanks Start(IWorkerFactory workers) =>
        new(new NodePlan(new ParallelLayout(2), workers, new FakePlan(4, 5), null, null, 5, 4), 2, CreateTestProbe(), CreateTestProbe());

    // Records how many workers of an earlier run had started and ended when the first of these starts.
    private sealed class LaterWorkers(FakeCluster earlier) : IWorkerFactory
    {
        public FakeCluster Cluster { get; init; } = new(4, 5);
        public (int Started, int Ended)? Before { get; private set; }

        public IWorker Start(Rank rank, Action<WorkerReport> report)
        {
            Before ??= (earlier.Started, earlier.Ended);
            return Cluster.Start(rank, report);
        }
    }

    // Workers that outlive their trainers.
    private sealed class AdoptableWorkers(FakeCluster cluster) : IWorkerFactory, IDisposable
    {
        private int _left;

        public int Left => Volatile.Read(ref _left);
        public bool IsDisposed { get; private set; }

        public IWorker Start(Rank rank, Action<WorkerReport> report) => new Worker(this, cluster.Start(rank, report));

        public void Dispose() => IsDisposed = true;

        private sealed class Worker(AdoptableWorkers all, IWorker worker) : IAdoptableWorker
        {
            public void Send(WorkerCommand command) => worker.Send(command);

            public void Leave() => Interlocked.Increment(ref all._left);

            public void Dispose() => worker.Dispose();
        }
    }

    // What was prepared is freed, which it is not while there are workers.
    private async Task FreedAsync()
    {
        _preparation.Go.Set();
        await AwaitConditionAsync(() => Task.FromResult(_preparation.IsFreed), Patience);
    }

    private sealed class SlowPreparation : INodePreparation, IDisposable
    {
        public SlowPreparation() => Workers = new AdoptableWorkers(Cluster);

        public FakeCluster Cluster { get; } = new(4, 5);
        public AdoptableWorkers Workers { get; }
        public int Times { get; private set; }
        public ManualResetEventSlim Begun { get; } = new();
        public ManualResetEventSlim Go { get; } = new();
        public bool IsFreed { get; private set; }

        public NodePlan Prepare(NodeRun run, string address)
        {
            Times++;
            Begun.Set();
            Go.Wait(Patience);
            return new NodePlan(run.Layout, Workers, new FakePlan(4, 5), null, null, run.TotalSteps, run.Prefetch, this);
        }

        public void Dispose() => IsFreed = true;
    }
}
