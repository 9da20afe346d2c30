using System.Collections.Concurrent;
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
using Tulu2.Protocol.GradientSync;
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
        var setup = new CheckpointSetup(3, "recipe", 4, ImmutableDictionary<string, string>.Empty, _writer) { KeepsBest = true };
        _checkpoints = _run.ChildActorOf(Props.Create(() => new CheckpointCoordinator(setup, _ledger)));
        _checkpoints.Tell(new CheckpointProtocol.SnapshotBegun(new StepNumber(5), [.. Rank.All(2)]), _sync);
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
        _checkpoints.Tell(new CheckpointProtocol.SnapshotBegun(new StepNumber(6), [.. Rank.All(2)]), _sync);
        await WriteAsync(6);
        Assert.Equal(5, _writer.Best);
        _checkpoints.Tell(new CheckpointProtocol.SnapshotBegun(new StepNumber(7), [.. Rank.All(2)]), _sync);
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
        var setup = new CheckpointSetup(1, "recipe", 4, ImmutableDictionary<string, string>.Empty, _writer) { Newest = new StepNumber(4) };
        var checkpoints = _run.ChildActorOf(Props.Create(() => new CheckpointCoordinator(setup, _ledger)));
        foreach (var step in new[] { 5, 6 })
        {
            checkpoints.Tell(new CheckpointProtocol.SnapshotBegun(new StepNumber(step), [.. Rank.All(2)]), _sync);
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
    public async Task A_shard_or_manifest_that_the_disk_refuses_is_reported_and_an_alarm_is_raised_once_until_one_is_written()
    {
        _checkpoints.Tell(new CheckpointProtocol.ShardFailed(new Rank(1), new StepNumber(5), "no space left"));
        await _sync.ExpectMsgAsync(new CheckpointProtocol.Settled(new StepNumber(5), null, "no space left", Lost: false));
        Assert.IsType<RunEvent.CheckpointFailed>(await EventAsync());
        Assert.Contains("no space left. While the run trains it goes on from memory", Assert.IsType<RunEvent.StorageFailing>(await EventAsync()).Text);

        _writer.Fault = _ => new IOException("still no space");
        await SnapshotAsync(6);
        await _sync.ExpectMsgAsync(new CheckpointProtocol.Settled(new StepNumber(6), null, "still no space", Lost: false));
        Assert.IsType<RunEvent.CheckpointFailed>(await EventAsync());

        _writer.Fault = _ => null;
        await SnapshotAsync(7);
        await _sync.ExpectMsgAsync(new CheckpointProtocol.Settled(new StepNumber(7), "7", null, Lost: false));
        Assert.IsType<RunEvent.CheckpointWritten>(await EventAsync());
        Assert.IsType<RunEvent.CheckpointsPruned>(await EventAsync());
        Assert.Contains("after 2 that were not", Assert.IsType<RunEvent.StorageRecovered>(await EventAsync()).Text);
    }

    [Fact]
    public async Task A_checkpoint_is_due_again_once_the_storage_takes_files()
    {
        var (isFull, tries) = (true, 0);
        _writer.ProbeFault = () =>
        {
            Interlocked.Increment(ref tries);
            return Volatile.Read(ref isFull) ? new IOException("no space left") : null;
        };
        var checkpoints = Coordinator(setup => setup with { TryStorage = TimeSpan.FromMilliseconds(5) });
        checkpoints.Tell(new CheckpointProtocol.SnapshotBegun(new StepNumber(5), [.. Rank.All(2)]), _sync);
        checkpoints.Tell(new CheckpointProtocol.ShardFailed(new Rank(1), new StepNumber(5), "no space left"));
        await _sync.ExpectMsgAsync<CheckpointProtocol.Settled>();
        await AwaitConditionAsync(() => Task.FromResult(Volatile.Read(ref tries) > 2));
        await _sync.ExpectNoMsgAsync(TimeSpan.FromMilliseconds(30));
        Volatile.Write(ref isFull, false);
        await _sync.ExpectMsgAsync(CheckpointProtocol.Due.Instance);
    }

    [Fact]
    public async Task A_checkpoint_whose_storage_does_not_answer_is_given_up_whether_its_shards_or_its_manifest_are_stuck()
    {
        using var stuck = new ManualResetEventSlim();
        var checkpoints = Coordinator(setup => setup with { Deadline = TimeSpan.FromMilliseconds(250) });
        checkpoints.Tell(new CheckpointProtocol.SnapshotBegun(new StepNumber(5), [.. Rank.All(2)]), _sync);
        checkpoints.Tell(Shard(0));
        var shards = await _sync.ExpectMsgAsync<CheckpointProtocol.Settled>();
        Assert.Equal((5, null, false), (shards.Step.Value, shards.ManifestPath, shards.Lost));
        Assert.Contains("the storage is slow, or does not answer (rank 1)", shards.Error);

        _writer.Fault = manifest =>
        {
            if (manifest.Step == 6) stuck.Wait();
            return null;
        };
        await SnapshotAsync(6, checkpoints);
        Assert.Contains("the storage is slow, or does not answer", (await _sync.ExpectMsgAsync<CheckpointProtocol.Settled>()).Error);
        // No second one waits behind it.
        await SnapshotAsync(7, checkpoints);
        Assert.Equal("the manifest of step 6 is still being written", (await _sync.ExpectMsgAsync<CheckpointProtocol.Settled>()).Error);
        // It answers after all: the checkpoint is there, and the next one is written.
        stuck.Set();
        await _sync.ExpectMsgAsync(new CheckpointProtocol.Settled(new StepNumber(6), "6", null, Lost: false));
        await SnapshotAsync(8, checkpoints);
        await _sync.ExpectMsgAsync(new CheckpointProtocol.Settled(new StepNumber(8), "8", null, Lost: false));
    }

    [Fact]
    public async Task A_checkpoint_that_is_not_what_was_written_is_discarded_and_no_older_one_is_deleted_for_it()
    {
        _writer.Faults = manifest => manifest.Step == 5 ? ["shard sha1 is damaged"] : [];
        await SnapshotAsync(5);
        var settled = await _sync.ExpectMsgAsync<CheckpointProtocol.Settled>();
        Assert.Equal((null, "it was written and is not what was written: shard sha1 is damaged"), (settled.ManifestPath, settled.Error));
        Assert.Equal([5], _writer.Discarded);
        Assert.Equal(0, _writer.Prunes);
        await SnapshotAsync(6);
        await _sync.ExpectMsgAsync(new CheckpointProtocol.Settled(new StepNumber(6), "6", null, Lost: false));
        Assert.Equal(1, _writer.Prunes);
    }

    [Fact]
    public async Task The_time_that_the_slowest_ranks_step_waited_is_told_with_the_checkpoint()
    {
        _checkpoints.Tell(new CheckpointProtocol.SnapshotTaken(new Rank(0), new StepNumber(5), 0.25));
        _checkpoints.Tell(new CheckpointProtocol.SnapshotTaken(new Rank(1), new StepNumber(5), 0.5));
        _checkpoints.Tell(new CheckpointProtocol.SnapshotTaken(new Rank(1), new StepNumber(4), 9));
        await SnapshotAsync(5, begins: false);
        Assert.Equal(0.5, Assert.IsType<RunEvent.CheckpointWritten>(await EventAsync()).StallSeconds);
        Assert.Equal(new LedgerEvent.CheckpointWritten(5, "5") { StallSeconds = 0.5 }, (await _ledger.FishForMessageAsync<LedgerProtocol.Append>(_ => true)).Event);
    }

    [Fact]
    public async Task Checkpoints_are_copied_to_the_second_place_and_kept_while_they_are_copied_and_the_end_waits_for_the_last()
    {
        var mirror = new FakeMirror();
        mirror.Gate.Reset();
        var checkpoints = Coordinator(setup => setup with { Mirror = new MirrorSetup(mirror, 3, TimeSpan.FromMinutes(1)), Newest = new StepNumber(4) });
        await AwaitConditionAsync(() => Task.FromResult(mirror.Begun.Contains(4)));
        await SnapshotAsync(5, checkpoints);
        await _sync.ExpectMsgAsync<CheckpointProtocol.Settled>();
        Assert.Equal([4], _writer.Besides);
        checkpoints.Tell(CheckpointProtocol.Close.Instance, TestActor);
        await ExpectNoMsgAsync(TimeSpan.FromMilliseconds(30));
        mirror.Gate.Set();
        await ExpectMsgAsync<CheckpointProtocol.Closed>();
        Assert.Equal([4, 5], mirror.Copied);
        Assert.Equal([4, 5], (await EventsAsync()).OfType<RunEvent.CheckpointMirrored>().Select(copied => copied.Step.Value));
    }

    [Fact]
    public async Task A_second_place_that_does_not_answer_holds_up_no_checkpoint_and_the_end_no_longer_than_is_said()
    {
        var mirror = new FakeMirror();
        mirror.Gate.Reset();
        var checkpoints = Coordinator(setup => setup with { Mirror = new MirrorSetup(mirror, 3, TimeSpan.FromMilliseconds(20)) });
        for (var step = 5; step < 9; step++)
        {
            await SnapshotAsync(step, checkpoints);
            await _sync.ExpectMsgAsync(new CheckpointProtocol.Settled(new StepNumber(step), $"{step}", null, Lost: false));
        }
        checkpoints.Tell(CheckpointProtocol.Close.Instance, TestActor);
        await ExpectMsgAsync<CheckpointProtocol.Closed>();
        var alarms = (await EventsAsync()).OfType<RunEvent.StorageFailing>().Select(alarm => alarm.Text).ToArray();
        Assert.Equal(2, alarms.Length);
        Assert.StartsWith("is 3 checkpoints behind", alarms[0]);
        Assert.StartsWith("has no copy of the checkpoint of step 5 after", alarms[1]);
        Assert.Equal([5], mirror.Begun);
        mirror.Gate.Set();
    }

    [Fact]
    public async Task A_rollback_deletes_what_is_later_also_what_is_being_written_and_says_what_is_left()
    {
        using var gate = new ManualResetEventSlim();
        await SnapshotAsync(5, begins: false);
        await _sync.ExpectMsgAsync<CheckpointProtocol.Settled>();
        _writer.Fault = _ =>
        {
            gate.Wait();
            return null;
        };
        await SnapshotAsync(8);
        _checkpoints.Tell(new CheckpointProtocol.RollBack(new StepNumber(7), null), _sync);
        // Its shards come too late now.
        _checkpoints.Tell(Shard(0, 8));
        gate.Set();
        Assert.Equal(new CheckpointProtocol.RolledBack(new KnownManifest("5", new StepNumber(5))), await _sync.ExpectMsgAsync<CheckpointProtocol.RolledBack>());
        Assert.Equal([5], _writer.Manifests.Select(manifest => manifest.Step));

        _checkpoints.Tell(new CheckpointProtocol.RollBack(new StepNumber(3), null), _sync);
        Assert.Null((await _sync.ExpectMsgAsync<CheckpointProtocol.RolledBack>()).Newest);
        await SnapshotAsync(8);
        Assert.Equal("8", (await _sync.ExpectMsgAsync<CheckpointProtocol.Settled>()).ManifestPath);
    }

    private async Task<RunEvent> EventAsync() => (await _run.ExpectMsgAsync<RunProtocol.Happened>()).Event;

    // All that were published before this was asked.
    private async Task<IReadOnlyList<RunEvent>> EventsAsync()
    {
        var events = new List<RunEvent>();
        while (_run.HasMessages) events.Add(await EventAsync());
        return events;
    }

    private IActorRef Coordinator(Func<CheckpointSetup, CheckpointSetup> with)
    {
        var setup = with(new CheckpointSetup(3, "recipe", 4, ImmutableDictionary<string, string>.Empty, _writer));
        return _run.ChildActorOf(Props.Create(() => new CheckpointCoordinator(setup, _ledger)));
    }

    private Task SnapshotAsync(int step, IActorRef? to = null, bool begins = true)
    {
        var checkpoints = to ?? _checkpoints;
        if (begins) checkpoints.Tell(new CheckpointProtocol.SnapshotBegun(new StepNumber(step), [.. Rank.All(2)]), _sync);
        checkpoints.Tell(Shard(0, step));
        checkpoints.Tell(Shard(1, step));
        checkpoints.Tell(new LedgerProtocol.Durable(step));
        return Task.CompletedTask;
    }

    private sealed class FakeMirror : ICheckpointMirror
    {
        public ConcurrentQueue<int> Begun { get; } = new();
        public ConcurrentQueue<int> Copied { get; } = new();

        /// <summary>Copies wait for it.</summary>
        public ManualResetEventSlim Gate { get; } = new(true);

        public string Directory => "/second";

        public long Copy(int step, Action<long, long> progress)
        {
            Begun.Enqueue(step);
            Gate.Wait();
            Copied.Enqueue(step);
            return step;
        }

        public void DiscardAfter(StepNumber step)
        {
        }

        public void Prune(int keep, IReadOnlyCollection<int> besides) => Assert.Contains(Copied.Last(), besides);
    }
}
