using FsCheck.Xunit;
using Tulu2.Checkpoints;
using Tulu2.Files;
using Tulu2.Tests.Data;
using Xunit;

namespace Tulu2.Tests.Checkpoints;

public sealed class CheckpointMirrorTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly List<string> _faults = [];
    private readonly List<string> _healed = [];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Only_what_the_second_place_lacks_is_copied_and_older_checkpoints_are_deleted_there_too()
    {
        var store = Store("copied");
        using var first = new StateInMemory(1);
        using var second = new StateInMemory(2);
        var (one, two) = (first.Whole(), second.Whole());
        Write(store, 100, [one[..5], one[5..]]);
        // The first shard is the same as before.
        Write(store, 200, [one[..5], two[5..]]);
        var seen = new List<(long, long)>();
        store.CopyTo(store.Mirror!, 100, (_, _) => { });
        var bytes = store.CopyTo(store.Mirror!, 200, (done, total) => seen.Add((done, total)));
        Assert.Equal(store.Read(store.ManifestOf(200)!).Shards[1].Bytes, bytes);
        Assert.Equal((bytes, bytes), seen[^1]);
        Assert.Equal(0, store.CopyTo(store.Mirror!, 200, (_, _) => { }));
        store.Mirror!.Prune(1);
        Assert.Equal(["step-00000200.json"], store.Mirror.Manifests().Select(Path.GetFileName));
        Assert.Equal(200, store.Mirror.LatestSound(Assert.Fail)?.Manifest.Step);
    }

    [Fact]
    public void A_shard_that_is_damaged_where_it_is_read_is_not_copied_and_one_that_is_damaged_in_the_copy_is_copied_again()
    {
        var store = Store("damaged");
        using var state = new StateInMemory(1);
        var manifest = Write(store, 100, [state.Whole()]);
        var (own, copy) = (ShardPath(store, manifest, 0), ShardPath(store.Mirror!, manifest, 0));
        Flip(own, 700);
        Assert.Equal(own, Assert.Throws<BadInputException>(() => store.CopyTo(store.Mirror!, 100, (_, _) => { })).Where);
        Assert.Empty(store.Mirror!.Manifests());
        Assert.False(File.Exists(copy));
        Flip(own, 700);
        store.CopyTo(store.Mirror, 100, (_, _) => { });
        Flip(copy, 700);
        // As another process would: what was verified here is remembered by its write time.
        Assert.Equal(manifest.Shards[0].Bytes, store.CopyTo(new CheckpointStore(store.Mirror.Directory), 100, (_, _) => { }));
        Assert.Empty(store.Mirror.Verify(manifest));
    }

    [Fact]
    public void A_run_that_has_lost_all_its_checkpoints_has_the_newest_of_its_mirror()
    {
        var store = Store("lost");
        using var state = new StateInMemory(1);
        Write(store, 100, [state.Whole()]);
        Write(store, 200, [state.Whole()]);
        store.CopyTo(store.Mirror!, 100, (_, _) => { });
        store.CopyTo(store.Mirror!, 200, (_, _) => { });
        Directory.Delete(store.Directory, recursive: true);
        Assert.Equal(200, Latest(store)?.Manifest.Step);
        Assert.Contains("step 200 is healed", Assert.Single(_healed));
        Assert.Empty(_faults);
        // Written back: it is there without the mirror now.
        Assert.Equal(200, new CheckpointStore(store.Directory).LatestSound(Assert.Fail)?.Manifest.Step);
    }

    [Fact]
    public void A_manifest_of_another_run_in_the_mirror_is_named_and_not_used()
    {
        var store = Store("foreign");
        using var state = new StateInMemory(1);
        Write(store, 100, [state.Whole()]);
        Write(store.Mirror!, 900, [state.Whole()], "another");
        Assert.Equal(100, store.LatestSound(manifest => manifest.RecipeHash == "recipe", _faults.Add, _healed.Add)?.Manifest.Step);
        Assert.Contains("of another run", Assert.Single(_faults));
    }

    [Property(MaxTest = 60)]
    public void Whatever_byte_of_a_checkpoint_is_damaged_the_right_bits_come_from_the_mirror_and_without_it_the_file_is_named(int seed)
    {
        var random = new Random(seed);
        var store = Store($"bytes-{seed}");
        using var state = new StateInMemory(seed);
        Write(store, 100, [state.Whole()[..4], state.Whole()[4..]]);
        store.CopyTo(store.Mirror!, 100, (_, _) => { });
        var files = Directory.GetFiles(store.Directory, "*", SearchOption.AllDirectories);
        var damaged = files[random.Next(files.Length)];
        var sound = File.ReadAllBytes(damaged);
        var bytes = sound.ToArray();
        if (random.Next(4) == 0) bytes = bytes[..random.Next(bytes.Length)];
        else bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
        File.WriteAllBytes(damaged, bytes);

        var alone = new List<string>();
        Assert.Null(new CheckpointStore(store.Directory).LatestSound(alone.Add));
        Assert.Contains(Path.GetFileNameWithoutExtension(damaged), Assert.Single(alone));

        using var read = new StateInMemory(null);
        store.Load(Latest(store)!.Value.Manifest, read.Whole());
        Assert.Equal(state.Bytes(), read.Bytes());
        Assert.Equal(sound, File.ReadAllBytes(damaged));
    }

    [Fact]
    public void Every_byte_of_a_shard_that_is_damaged_before_it_is_loaded_is_healed_or_named_and_never_loaded()
    {
        var store = Store("every byte");
        using var state = new StateInMemory(1);
        using var read = new StateInMemory(null);
        var manifest = Write(store, 100, [[state.Block(StateKind.Parameter, "vector", [0], [9])]]);
        store.CopyTo(store.Mirror!, 100, (_, _) => { });
        var path = ShardPath(store, manifest, 0);
        var wanted = new[] { read.Block(StateKind.Parameter, "vector", [0], [9]) };
        for (var at = 0; at < manifest.Shards[0].Bytes; at++)
        {
            Flip(path, at);
            // Without a memory of what was verified.
            Assert.Equal(path, Assert.Throws<BadInputException>(() => new CheckpointStore(store.Directory).Load(manifest, wanted)).Where);
            new CheckpointStore(store.Directory) { Mirror = store.Mirror }.Load(manifest, wanted);
            Assert.Equal(manifest.Shards[0].Sha256, ContentHash.OfFile(path));
        }
    }

    [Fact]
    public void Where_both_places_are_damaged_the_checkpoint_before_is_used_and_each_fault_is_named()
    {
        var store = Store("both");
        using var state = new StateInMemory(1);
        using var later = new StateInMemory(2);
        Write(store, 100, [state.Whole()]);
        var manifest = Write(store, 200, [later.Whole()]);
        store.CopyTo(store.Mirror!, 200, (_, _) => { });
        Flip(ShardPath(store, manifest, 0), 700);
        Flip(ShardPath(store.Mirror!, manifest, 0), 800);
        Assert.Equal(100, Latest(store)?.Manifest.Step);
        Assert.Contains(manifest.Shards[0].Sha256, Assert.Single(_faults));
        Assert.Empty(_healed);
    }

    [Fact]
    public async Task A_checkpoint_that_is_pruned_while_it_is_read_is_read_whole_or_said_to_be_gone()
    {
        var store = Store("read");
        using var state = new StateInMemory(1);
        using var later = new StateInMemory(2);
        var manifest = Write(store, 100, [state.Whole()[..4], state.Whole()[4..]]);
        var path = store.ManifestOf(100)!;
        // As it was read, and its manifest and shards went before they were opened.
        Write(store, 200, [later.Whole()]);
        foreach (var shard in Enumerable.Range(0, manifest.Shards.Count)) File.SetLastWriteTimeUtc(ShardPath(store, manifest, shard), DateTime.UtcNow - TimeSpan.FromMinutes(1));
        store.Prune(1);
        var alone = new CheckpointStore(store.Directory);
        using var read = new StateInMemory(null);
        var gone = Assert.Throws<BadInputException>(() => alone.Load(manifest, read.Whole()));
        Assert.Equal((path, "was deleted while it was read, since newer checkpoints have taken its place"), (gone.Where, gone.What));
        Assert.Contains("newest", gone.Fix);

        // And one that is read meanwhile.
        var writing = Task.Run(() =>
        {
            for (var step = 300; step < 340; step++)
            {
                // A state of its own each, of which the reader knows the seed.
                using var next = new StateInMemory(step);
                Write(alone, step, [next.Whole()[..4], next.Whole()[4..]]);
                alone.Prune(1);
            }
        });
        var reader = new CheckpointStore(store.Directory);
        var whole = 0;
        while (!writing.IsCompleted || whole == 0)
        {
            try
            {
                using var again = new StateInMemory(null);
                var newest = reader.Read(reader.Manifests()[^1]);
                reader.Load(newest, again.Whole());
                whole++;
                using var right = new StateInMemory(newest.Step == 200 ? 2 : newest.Step);
                Assert.Equal(right.Bytes(), again.Bytes());
            }
            catch (BadInputException pruned)
            {
                Assert.Contains("was deleted while it was read", pruned.What);
            }
        }
        await writing;
    }

    private (string Path, Manifest Manifest)? Latest(CheckpointStore store) => store.LatestSound(_ => true, _faults.Add, _healed.Add);

    private static Manifest Write(CheckpointStore store, int step, IReadOnlyList<IReadOnlyList<StateBlock>> shards, string recipe = "recipe") =>
        store.Read(store.WriteManifest(new Manifest(step, 4, recipe, [.. shards.Select(store.WriteShard)], new Dictionary<string, string>())));

    private static string ShardPath(CheckpointStore store, Manifest manifest, int shard) =>
        Path.Combine(store.Directory, "shards", manifest.Shards[shard].Sha256 + ".safetensors");

    private static void Flip(string path, long at)
    {
        using var file = new FileStream(path, FileMode.Open);
        file.Position = at;
        var value = file.ReadByte();
        file.Position = at;
        file.WriteByte((byte)(value ^ 0x10));
    }

    private CheckpointStore Store(string name) => new(_folder.File(name)) { Mirror = new CheckpointStore(_folder.File($"{name} second")) };
}
