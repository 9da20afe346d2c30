using System.Collections.Immutable;
using Akka.Actor;
using Akka.TestKit;
using Akka.TestKit.Xunit2;
using Tulu2.Checkpoints;
using Tulu2.Cluster.Checkpointing;
using Tulu2.Cluster.Configuration;
using Tulu2.Cluster.Ledger;
using Tulu2.Cluster.Messages;
using Tulu2.Protocol.Events;
using Tulu2.Protocol.Ids;
using Tulu2.Tests.Cluster.Fakes;
using Xunit;

namespace Tulu2.Tests.Cluster;

public sealed class CheckpointCoordinatorSpec : TestKit
{
    private readonly FakeCheckpoints _writer = new();
    private readonly TestProbe _ledger;
    private readonly TestProbe _run;
    private readonly TestProbe _sync;
    private readonly IActorRef _checkpoints;

    public CheckpointCoordinatorSpec() : base(HostFixture.Settings.WithFallback(ClusterConfig.LocalConfig()))
    {
        (_ledger, _run, _sync) = (CreateTestProbe(), CreateTestProbe(), CreateTestProbe());
        var setup = new CheckpointSetup(2, 3, "recipe", 4, ImmutableDictionary<string, string>.Empty, _writer) { KeepsBest = true };
        _checkpoints = _run.ChildActorOf(Props.Create(() => new CheckpointCoordinator(setup, _ledger)));
        _checkpoints.Tell(new CheckpointProtocol.SnapshotBegun(new StepNumber(5)), _sync);
    }

    private static CheckpointProtocol.ShardPart Shard(int rank, int step = 5, int part = 0, int parts = 1) =>
        new(new Rank(rank), new StepNumber(step), $"sha{rank}", 10, part, parts,
            [new ShardTensor(StateKind.Parameter, new TensorSlice($"t{rank}.{part}", [1], [0], [1]))]);

    [Fact]
    public async Task A_manifest_is_written_when_all_shards_are_there_and_the_ledger_has_the_step()
    {
        _checkpoints.Tell(Shard(0));
        _checkpoints.Tell(Shard(0));                        // twice
        _checkpoints.Tell(Shard(1, step: 4));               // of another snapshot
        _checkpoints.Tell(Shard(1, part: 1, parts: 2));     // half of it
        await _ledger.ExpectNoMsgAsync(TimeSpan.FromMilliseconds(50));

        _checkpoints.Tell(Shard(1, part: 0, parts: 2));
        await _ledger.ExpectMsgAsync(new LedgerProtocol.Flush(5));
        Assert.Empty(_writer.Manifests);

        _checkpoints.Tell(new LedgerProtocol.Durable(5));
        var written = Assert.IsType<RunEvent.CheckpointWritten>((await _run.ExpectMsgAsync<RunProtocol.Happened>()).Event);
        Assert.Equal((5, "5"), (written.Step, written.Manifest));
        Assert.Equal(new RunEvent.CheckpointsPruned(3), (await _run.ExpectMsgAsync<RunProtocol.Happened>()).Event);
        await _ledger.ExpectMsgAsync(new LedgerProtocol.Append(new LedgerEvent.CheckpointWritten(5, "5")));
        await _ledger.ExpectMsgAsync(new LedgerProtocol.Append(new LedgerEvent.CheckpointsPruned(3)));
        await _sync.ExpectMsgAsync(new CheckpointProtocol.Settled(new StepNumber(5), "5", null, false));
        var manifest = Assert.Single(_writer.Manifests);
        Assert.Equal((5, 4, "recipe"), (manifest.Step, manifest.VirtualShards, manifest.RecipeHash));
        Assert.Equal(["t0.0", "t1.0", "t1.1"], manifest.Shards.SelectMany(shard => shard.Tensors).Select(tensor => tensor.Slice.Name));
        Assert.Equal(1, _writer.Prunes);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_checkpoint_of_the_best_step_is_kept_whether_it_is_written_before_or_after_it_is_known_to_be_the_best(bool before)
    {
        if (!before) _checkpoints.Tell(new CheckpointProtocol.Best(new StepNumber(5)));
        await WriteAsync(5);
        if (before) _checkpoints.Tell(new CheckpointProtocol.Best(new StepNumber(5)));
        // One that is better has no checkpoint yet.
        _checkpoints.Tell(new CheckpointProtocol.Best(new StepNumber(7)));
        _checkpoints.Tell(new CheckpointProtocol.SnapshotBegun(new StepNumber(6)), _sync);
        await WriteAsync(6);
        Assert.Equal(5, _writer.Best);
        _checkpoints.Tell(new CheckpointProtocol.SnapshotBegun(new StepNumber(7)), _sync);
        await WriteAsync(7);
        Assert.Equal(7, _writer.Best);

        async Task WriteAsync(int step)
        {
            _checkpoints.Tell(Shard(0, step));
            _checkpoints.Tell(Shard(1, step));
            _checkpoints.Tell(new LedgerProtocol.Durable(step));
            await _sync.ExpectMsgAsync(new CheckpointProtocol.Settled(new StepNumber(step), $"{step}", null, false));
        }
    }

    [Fact]
    public async Task Where_one_checkpoint_is_kept_the_one_before_stays_until_no_rank_can_be_loading_it()
    {
        var setup = new CheckpointSetup(2, 1, "recipe", 4, ImmutableDictionary<string, string>.Empty, _writer) { Newest = new StepNumber(4) };
        var checkpoints = _run.ChildActorOf(Props.Create(() => new CheckpointCoordinator(setup, _ledger)));
        foreach (var step in new[] { 5, 6 })
        {
            checkpoints.Tell(new CheckpointProtocol.SnapshotBegun(new StepNumber(step)), _sync);
            checkpoints.Tell(Shard(0, step));
            checkpoints.Tell(Shard(1, step));
            checkpoints.Tell(new LedgerProtocol.Durable(step));
            await _sync.ExpectMsgAsync(new CheckpointProtocol.Settled(new StepNumber(step), $"{step}", null, false));
        }
        checkpoints.Tell(CheckpointProtocol.Close.Instance, _run);
        await _run.FishForMessageAsync(message => message is CheckpointProtocol.Closed);

        // With the manifest of 5; when the snapshot of 6 begins; with its manifest; at the end.
        Assert.Equal([[4], [5], [5], []], _writer.AllBesides);
    }

    [Fact]
    public async Task What_given_up_checkpoints_left_is_swept_before_the_ranks_begin_and_after_they_have_ended()
    {
        _checkpoints.Tell(Shard(0));
        _checkpoints.Tell(CheckpointProtocol.Close.Instance, _run);
        await _run.ExpectMsgAsync<CheckpointProtocol.Closed>();
        Assert.Equal(2, _writer.Sweeps);
    }

    [Fact]
    public async Task A_snapshot_that_lost_a_rank_before_its_shard_is_given_up()
    {
        _checkpoints.Tell(Shard(0));
        _checkpoints.Tell(new CheckpointProtocol.RanksGone(new StepNumber(5), [new Rank(0)]), _sync);     // its shard is durable: no matter
        _checkpoints.Tell(new CheckpointProtocol.RanksGone(new StepNumber(5), [new Rank(1)]), _sync);

        Assert.IsType<RunEvent.CheckpointFailed>((await _run.ExpectMsgAsync<RunProtocol.Happened>()).Event);
        Assert.IsType<LedgerEvent.CheckpointFailed>((await _ledger.ExpectMsgAsync<LedgerProtocol.Append>()).Event);
        await _sync.ExpectMsgAsync(
            new CheckpointProtocol.Settled(new StepNumber(5), null, "rank 1 was lost, or not heard of for too long, before its shard was durable", Lost: true));
        _checkpoints.Tell(Shard(1));
        await _ledger.ExpectNoMsgAsync(TimeSpan.FromMilliseconds(50));
    }

    [Fact]
    public async Task A_shard_or_manifest_that_the_disk_refuses_is_reported()
    {
        _checkpoints.Tell(new CheckpointProtocol.ShardFailed(new Rank(1), new StepNumber(5), "no space left"));
        await _sync.ExpectMsgAsync(new CheckpointProtocol.Settled(new StepNumber(5), null, "no space left", Lost: false));

        _writer.Fault = _ => new IOException("still no space");
        _checkpoints.Tell(new CheckpointProtocol.SnapshotBegun(new StepNumber(6)), _sync);
        _checkpoints.Tell(Shard(0, 6));
        _checkpoints.Tell(Shard(1, 6));
        _checkpoints.Tell(new LedgerProtocol.Durable(6));
        await _sync.ExpectMsgAsync(new CheckpointProtocol.Settled(new StepNumber(6), null, "still no space", Lost: false));
    }
}
