using Akka.Actor;
using Akka.TestKit.Xunit2;
using Tulu2.Cluster.Configuration;
using Tulu2.Cluster.Messages;
using Tulu2.Cluster.Ranks;
using Tulu2.Collectives.Layout;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.WorkQueues;
using Tulu2.Tests.Cluster.Fakes;
using Xunit;

namespace Tulu2.Tests.Cluster;

public sealed class RankTrainersSpec() : TestKit(HostFixture.Settings.WithFallback(ClusterConfig.LocalConfig()))
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task A_rank_that_is_placed_again_gets_a_new_trainer_in_place_of_the_old_one()
    {
        var (run, sync, others) = (CreateTestProbe(), CreateTestProbe(), CreateTestProbe());
        var (cluster, shutdown) = (new FakeCluster(4, 5), new WorkerShutdown());
        RankTrainers.Add Placed(long epoch) => new([new RankSetup(
            new Rank(0), report => cluster.Start(new Rank(0), report), () => new FeedWindow(new ParallelLayout(1), 4, new StepNumber(5), 2),
            () => NodeProtocol.FirstIncarnation(epoch), sync, others, others, shutdown)]);
        var trainers = Watch(run.ChildActorOf(Props.Create(() => new RankTrainers(shutdown, run))));

        trainers.Tell(Placed(1));
        Assert.Equal(1, NodeProtocol.EpochOf((await sync.ExpectMsgAsync<RankProtocol.Up>(Patience)).Incarnation));
        trainers.Tell(Placed(2));
        Assert.Equal(2, NodeProtocol.EpochOf((await sync.ExpectMsgAsync<RankProtocol.Up>(Patience)).Incarnation));
        trainers.Tell(RankProtocol.Stop.Instance);
        await ExpectTerminatedAsync(trainers, Patience);

        Assert.Equal((2, 2), (cluster.Started, cluster.Ended));
        Assert.False(run.HasMessages, "the run has not failed");
    }
}
