using Tulu2.Checkpoints;
using Tulu2.Tests.Data;
using Xunit;

namespace Tulu2.Tests.Checkpoints;

public sealed class CheckpointPruningTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Pruning_keeps_what_the_newest_manifests_name_and_nothing_else()
    {
        var store = new CheckpointStore(_folder.Root);
        using var constant = new StateInMemory(0);
        var shared = store.WriteShard([constant.Block(StateKind.Parameter, "vector", [0], [9])]);
        var manifests = Enumerable.Range(1, 4).Select(step =>
        {
            using var state = new StateInMemory(step);
            var manifest = new Manifest(step, 4, "recipe", [shared, store.WriteShard([state.Block(StateKind.Parameter, "matrix", [0, 0], [7, 10])])], new Dictionary<string, string>());
            store.WriteManifest(manifest);
            return manifest;
        }).ToArray();
        // As if each checkpoint had taken a minute.
        foreach (var (path, step) in store.Manifests().Select((path, index) => (path, index + 1))) At(path, step);
        foreach (var manifest in manifests) At(Path.Combine(_folder.Root, "shards", manifest.Shards[1].Sha256 + ".safetensors"), manifest.Step - 0.5);
        store.Prune(2);
        Assert.Equal([3, 4], store.Manifests().Select(path => store.Read(path).Step));
        Assert.Equal(3, ShardFiles().Length);
        Assert.Empty(store.Verify(manifests[2]));
        Assert.Empty(store.Verify(manifests[3]));
        Assert.Equal([$"shard {manifests[0].Shards[1].Sha256} is missing"], store.Verify(manifests[0]));
    }

    [Fact]
    public void A_shard_that_waits_for_its_manifest_is_left_alone()
    {
        var store = new CheckpointStore(_folder.Root);
        using var state = new StateInMemory(1);
        var waiting = store.WriteShard([state.Block(StateKind.Parameter, "vector", [0], [9])]);
        new CheckpointStore(_folder.Root).Prune(1);
        store.WriteManifest(new Manifest(1, 4, "recipe", [waiting], new Dictionary<string, string>()));
        store.Prune(1);
        Assert.Single(ShardFiles());
    }

    [Fact]
    public void A_shard_that_is_being_written_is_left_alone()
    {
        CheckpointStore store = null!;
        store = new CheckpointStore(_folder.Root)
        {
            Through = stream =>
            {
                new CheckpointStore(_folder.Root).Prune(1);
                return stream;
            },
        };
        using var state = new StateInMemory(1);
        var entry = store.WriteShard([state.Block(StateKind.Parameter, "vector", [0], [9])]);
        Assert.Contains(entry.Sha256, Assert.Single(ShardFiles()));
    }

    [Fact]
    public void What_killed_writers_left_is_no_checkpoint_and_is_removed()
    {
        var store = new CheckpointStore(_folder.Root);
        using var state = new StateInMemory(1);
        store.WriteManifest(new Manifest(1, 4, "recipe", [store.WriteShard([state.Block(StateKind.Parameter, "vector", [0], [9])])], new Dictionary<string, string>()));
        var leftovers = new[] { "shards/.0123.part", "manifests/.4567.part" }.Select(name => Path.Combine(_folder.Root, name)).ToArray();
        foreach (var path in leftovers)
        {
            File.WriteAllText(path, "half a file");
            File.SetLastWriteTimeUtc(path, DateTime.UnixEpoch);
        }
        var orphan = Path.Combine(_folder.Root, "shards", new string('0', 64) + ".safetensors");
        File.WriteAllText(orphan, "of a run that was killed before its manifest");
        File.SetLastWriteTimeUtc(orphan, DateTime.UnixEpoch);
        Assert.Equal(1, store.LatestSound(Assert.Fail)?.Manifest.Step);
        store.Prune(3);
        Assert.All(leftovers, path => Assert.False(File.Exists(path)));
        Assert.False(File.Exists(orphan));
        Assert.Single(ShardFiles());
    }

    [Fact]
    public void A_shard_whose_twin_failed_is_named_and_swept_and_nothing_else_is()
    {
        var store = new CheckpointStore(_folder.Root);
        using StateInMemory first = new(1), second = new(2), third = new(3);
        var kept = store.WriteShard([first.Block(StateKind.Parameter, "vector", [0], [9])]);
        store.WriteManifest(new Manifest(1, 4, "recipe", [kept], new Dictionary<string, string>()));
        var orphan = store.WriteShard([second.Block(StateKind.Parameter, "vector", [0], [9])]);
        // The rank that failed is still at its part; and an orphan's content may come again, in a checkpoint of its own.
        var writing = Path.Combine(_folder.Root, "shards", ".89ab.part");
        File.WriteAllText(writing, "half a shard");
        store.Prune(1);
        Assert.Equal(orphan.Sha256 + ".safetensors", Path.GetFileName(Assert.Single(store.Orphans()).Path));
        store.Sweep();
        Assert.Empty(store.Orphans());
        Assert.True(File.Exists(writing));
        Assert.Equal(1, store.LatestSound(Assert.Fail)?.Manifest.Step);
        store.WriteManifest(new Manifest(2, 4, "recipe", [store.WriteShard([second.Block(StateKind.Parameter, "vector", [0], [9])])], new Dictionary<string, string>()));
        store.Sweep();
        Assert.Equal(2, store.LatestSound(Assert.Fail)?.Manifest.Step);

        // What a manifest names that cannot be read is not known, so nothing is an orphan.
        store.WriteShard([third.Block(StateKind.Parameter, "vector", [0], [9])]);
        File.WriteAllText(store.Manifests()[0], "{}");
        store.Sweep();
        Assert.Equal(3, Directory.GetFiles(Path.Combine(_folder.Root, "shards"), "*.safetensors").Length);
    }

    [Fact]
    public void A_part_that_somebody_is_writing_is_no_leftover_however_old_it_looks()
    {
        Directory.CreateDirectory(Path.Combine(_folder.Root, "shards"));
        var part = Path.Combine(_folder.Root, "shards", ".89ab.part");
        using (new FileStream(part, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None))
        {
            File.SetLastWriteTimeUtc(part, DateTime.UnixEpoch);
            Tulu2.Files.AtomicFile.RemoveLeftovers(Path.GetDirectoryName(part)!);
            Assert.True(File.Exists(part));
        }
        Tulu2.Files.AtomicFile.RemoveLeftovers(Path.GetDirectoryName(part)!);
        Assert.False(File.Exists(part));
    }

    [Fact]
    public void A_shard_that_another_process_writes_again_is_left_alone_until_the_manifest_after()
    {
        var store = new CheckpointStore(_folder.Root);
        using var state = new StateInMemory(1);
        var again = store.WriteShard([state.Block(StateKind.Parameter, "vector", [0], [9])]);
        for (var step = 1; step <= 2; step++)
        {
            using var other = new StateInMemory(step);
            ShardEntry[] shards = step == 1 ? [again] : [store.WriteShard([other.Block(StateKind.Parameter, "matrix", [0, 0], [7, 10])])];
            store.WriteManifest(new Manifest(step, 4, "recipe", shards, new Dictionary<string, string>()));
        }
        File.SetLastWriteTimeUtc(Path.Combine(_folder.Root, "shards", again.Sha256 + ".safetensors"), DateTime.UtcNow.AddSeconds(5));
        store.Prune(1);
        Assert.Equal(2, ShardFiles().Length);
    }

    [Fact]
    public void Where_a_kept_manifest_is_damaged_the_last_sound_one_is_not_pruned()
    {
        var store = new CheckpointStore(_folder.Root);
        for (var step = 1; step <= 2; step++)
        {
            using var state = new StateInMemory(step);
            store.WriteManifest(new Manifest(step, 4, "recipe", [store.WriteShard([state.Block(StateKind.Parameter, "vector", [0], [9])])], new Dictionary<string, string>()));
        }
        File.WriteAllText(store.Manifests()[^1], "{}");
        store.Prune(1);
        Assert.Equal(1, store.LatestSound(_ => { })?.Manifest.Step);
    }

    [Fact]
    public void Where_the_best_ones_manifest_is_damaged_what_may_be_its_own_stays_and_later_checkpoints_still_go()
    {
        var store = new CheckpointStore(_folder.Root);
        var shards = Enumerable.Range(1, 5).Select(step =>
        {
            using var state = new StateInMemory(step);
            var shard = store.WriteShard([state.Block(StateKind.Parameter, "matrix", [0, 0], [7, 10])]);
            store.WriteManifest(new Manifest(step, 4, "recipe", [shard], new Dictionary<string, string>()));
            return Path.Combine(_folder.Root, "shards", shard.Sha256 + ".safetensors");
        }).ToArray();
        const int hours = 120;
        File.WriteAllText(store.ManifestOf(2)!, "{}");
        foreach (var (path, index) in store.Manifests().Select((path, index) => (path, index))) At(path, hours * (index + 1));
        foreach (var (path, index) in shards.Select((path, index) => (path, index))) At(path, hours * (index + 1) - 1);
        store.Prune(1, besides: 2);
        Assert.Equal([store.ManifestOf(2)!, store.ManifestOf(5)!], store.Manifests());
        Assert.Equal([true, true, false, false, true], shards.Select(File.Exists));
        // Another best: now it is known what nobody needs.
        store.Prune(1, besides: 5);
        Assert.Equal([shards[4]], ShardFiles());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    [InlineData(600)]
    public void A_full_disk_leaves_nothing_and_says_what_could_not_be_written(int room)
    {
        var store = new CheckpointStore(_folder.Root) { Through = stream => new FullDisk(stream, room) };
        using var state = new StateInMemory(1);
        var failure = Assert.Throws<IOException>(() => store.WriteShard(state.Whole()));
        Assert.Contains($"shard of {3 * (70 + 9 + 12) * 4} bytes cannot be written to {_folder.Root}", failure.Message);
        Assert.Contains("No space left on device", failure.Message);
        Assert.True(Tulu2.Files.DiskFault.IsFull(failure));
        Assert.Empty(Directory.GetFiles(_folder.Root, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 }));
    }

    private static void At(string path, double minutes) => File.SetLastWriteTimeUtc(path, DateTime.UnixEpoch.AddMinutes(minutes));

    private string[] ShardFiles() => Directory.GetFiles(Path.Combine(_folder.Root, "shards"), "*", new EnumerationOptions { AttributesToSkip = 0 });

    private sealed class FullDisk(Stream inner, int room) : Stream
    {
        private int _left = room;

        public override bool CanRead => false;
        public override bool CanSeek => false;
        public override bool CanWrite => true;
        public override long Length => inner.Length;
        public override long Position { get => inner.Position; set => throw new NotSupportedException(); }
        public override void Flush() => inner.Flush();
        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            if ((_left -= buffer.Length) < 0) throw new IOException("No space left on device", 28);
            inner.Write(buffer);
        }
    }
}
