using System.Collections.Immutable;
using Akka.Actor;
using Akka.TestKit.Xunit2;
using Tulu2.Cluster.Configuration;
using Tulu2.Cluster.GradientSync;
using Tulu2.Cluster.Ledger;
using Tulu2.Cluster.Messages;
using Tulu2.Collectives.Layout;
using Tulu2.Protocol.Accounts;
using Tulu2.Protocol.Events;
using Tulu2.Protocol.GradientSync;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;
using Tulu2.Tests.Cluster.Fakes;
using Xunit;

namespace Tulu2.Tests.Cluster;

public sealed class GradientSyncSupervisorSpec() : TestKit(HostFixture.Settings.WithFallback(ClusterConfig.LocalConfig()))
{
    [Fact]
    public async Task The_ledger_receives_generations_and_commits_before_any_rank_and_the_run_each_event_once()
    {
        // One probe stands for both, which shows the order.
        var (ledgerAndRank, run) = (CreateTestProbe(), CreateTestProbe());
        var state = GradientSyncState.Of(
            new SyncRules(new ParallelLayout(1), 1, new StepNumber(2), 0),
            new SyncStart(default, null, ImmutableDictionary<StepNumber, string>.Empty, false), ProgressLease.Default);
        var sync = run.ChildActorOf(Props.Create(() => new GradientSyncSupervisor(state, ledgerAndRank, ActorRefs.Nobody, null, null, EarlierTimes.None)));

        sync.Tell(new RankProtocol.Up(new Rank(0), new Incarnation(1), "here"), ledgerAndRank);
        Assert.IsType<LedgerEvent.GenerationOpened>((await ledgerAndRank.ExpectMsgAsync<LedgerProtocol.Append>()).Event);
        // A machine that crashes must not take the number of a generation along that ranks are in.
        await ledgerAndRank.ExpectMsgAsync(new LedgerProtocol.Flush(1));
        await ledgerAndRank.ExpectNoMsgAsync(TimeSpan.FromMilliseconds(100));
        sync.Tell(new LedgerProtocol.Durable(1), ledgerAndRank);
        Assert.IsType<WorkerCommand.JoinGeneration>((await ledgerAndRank.ExpectMsgAsync<RankProtocol.Command>()).Body);
        sync.Tell(new RankProtocol.Report(new WorkerReport.Joined(new Generation(1), new Rank(0), new StepNumber(-1), [], null)), ledgerAndRank);
        Assert.IsType<WorkerCommand.Begin>((await ledgerAndRank.ExpectMsgAsync<RankProtocol.Command>()).Body);
        // Where a generation begins to work, the account of the time until then is written; steps wait for none.
        Assert.IsType<LedgerEvent.TimeAccounted>((await ledgerAndRank.ExpectMsgAsync<LedgerProtocol.Append>()).Event);
        sync.Tell(new RankProtocol.Report(new WorkerReport.SlotDone(new Generation(1), new Rank(0), new StepNumber(1), new SlotNumber(0), 0.1)), ledgerAndRank);
        sync.Tell(new RankProtocol.Report(new WorkerReport.StepReady(
            new Generation(1), new Rank(0), new StepNumber(1), "ab12", new StepMetrics(2, 1, 1e-3, 100, 50, []), new StepTimes(0.1, 0, 0, 0))), ledgerAndRank);
        Assert.IsType<LedgerEvent.StepCommitted>((await ledgerAndRank.ExpectMsgAsync<LedgerProtocol.Append>()).Event);
        await ledgerAndRank.ExpectMsgAsync<LedgerProtocol.Write>();
        // Whatever comes meanwhile: the rank hears of the commit, and of all that follows, when it is written down.
        sync.Tell(new RankProtocol.Up(new Rank(0), new Incarnation(2), "there"), ledgerAndRank);
        await ledgerAndRank.ExpectNoMsgAsync(TimeSpan.FromMilliseconds(100));
        sync.Tell(LedgerProtocol.Written.Instance, ledgerAndRank);
        Assert.IsType<WorkerCommand.Commit>((await ledgerAndRank.ExpectMsgAsync<RankProtocol.Command>()).Body);

        foreach (var kind in new[] { typeof(RunEvent.GenerationOpened), typeof(RunEvent.PhaseChanged), typeof(RunEvent.TimeAccounted), typeof(RunEvent.StepCommitted), typeof(RunEvent.RankLost) })
            Assert.IsType(kind, (await run.ExpectMsgAsync<RunProtocol.Happened>()).Event);
    }
}
