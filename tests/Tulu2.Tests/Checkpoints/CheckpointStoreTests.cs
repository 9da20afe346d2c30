using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Tulu2.Checkpoints;
using Tulu2.Checkpoints.Safetensors;
using Tulu2.Files;
using Tulu2.Tests.Data;
using Xunit;

namespace Tulu2.Tests.Checkpoints;

public sealed class CheckpointStoreTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Property(MaxTest = 15)]
    public void Whatever_layout_wrote_a_checkpoint_any_other_reads_it(int seed)
    {
        var random = new Random(seed);
        var store = Store($"layouts-{seed}");
        using var written = new StateInMemory(seed);
        using var read = new StateInMemory(null);
        var manifest = store.Read(store.WriteManifest(Manifest(1, Spread(store, written.Cut(random), random.Next(1, 6)))));
        foreach (var rank in read.Cut(random).Chunk(7)) Store($"layouts-{seed}").Load(manifest, rank);
        Assert.Equal(written.Bytes(), read.Bytes());
    }

    [Fact]
    public void A_shard_is_named_by_its_hash_and_says_what_it_holds()
    {
        var store = Store("named");
        using var state = new StateInMemory(1);
        var blocks = new[] { state.Block(StateKind.FirstMoment, "matrix", [2, 3], [4, 5]), state.Block(StateKind.Parameter, "vector", [1], [8]) };
        var entry = store.WriteShard(blocks);
        var path = ShardPath(store, entry);
        Assert.Equal(ContentHash.OfFile(path), entry.Sha256);
        Assert.Equal(new FileInfo(path).Length, entry.Bytes);
        using var file = new SafetensorsFile(path);
        Assert.Equal(["FirstMoment/matrix/2,3", "Parameter/vector/1"], file.Entries.Keys);
        Assert.Equal([4L, 5L], file.Entries["FirstMoment/matrix/2,3"].Shape);
        Assert.Equal("7,10", file.Metadata["FirstMoment/matrix/2,3"]);
        Assert.Equal(entry.Sha256, store.WriteShard(blocks).Sha256);
        Assert.Single(Directory.GetFiles(Path.GetDirectoryName(path)!));
    }

    [Fact]
    public void Shards_may_be_links_to_another_disk()
    {
        var store = Store("linked");
        using var state = new StateInMemory(1);
        var shards = Spread(store, state.Whole(), 2);
        foreach (var shard in shards)
        {
            var path = ShardPath(store, shard);
            File.Move(path, path + ".moved");
            File.CreateSymbolicLink(path, path + ".moved");
        }
        var manifest = store.Read(store.WriteManifest(Manifest(1, shards)));
        Assert.Empty(store.Verify(manifest));
        // Once more, by what is remembered of the first time.
        Assert.Empty(store.Verify(manifest));
    }

    [Fact]
    public void A_manifest_is_read_as_it_was_written()
    {
        var store = Store("manifest");
        using var state = new StateInMemory(1);
        var written = Manifest(100, Spread(store, state.Whole(), 2));
        var path = store.WriteManifest(written);
        Assert.EndsWith("step-00000100.json", path);
        var read = store.Read(path);
        Assert.Equal((100, 4, "recipe"), (read.Step, read.VirtualShards, read.RecipeHash));
        Assert.Equal("cpu of a \"kind\"", read.Facts["machine"]);
        Assert.Equal(written.Shards.Select(shard => (shard.Sha256, shard.Bytes, shard.Tensors.Count)), read.Shards.Select(shard => (shard.Sha256, shard.Bytes, shard.Tensors.Count)));
        Assert.Empty(store.Verify(read));
    }

    [Fact]
    public void A_manifest_whose_shards_miss_or_repeat_something_is_not_written()
    {
        var store = Store("holes");
        using var state = new StateInMemory(1);
        ShardEntry Shard(params StateBlock[] blocks) => store.WriteShard(blocks);
        StateBlock Part(long row, long rows) => state.Block(StateKind.Parameter, "matrix", [row, 0], [rows, 10]);

        Assert.Contains("60 of 70", Assert.Throws<InvalidOperationException>(() => store.WriteManifest(Manifest(1, [Shard(Part(0, 6))]))).Message);
        Assert.Contains("80 of 70", Assert.Throws<InvalidOperationException>(() => store.WriteManifest(Manifest(1, [Shard(Part(0, 4)), Shard(Part(3, 4))]))).Message);
        // As many elements as the tensor has, but two rows are missing and two are there twice.
        Assert.Contains("overlap", Assert.Throws<InvalidOperationException>(() => store.WriteManifest(Manifest(1, [Shard(Part(0, 3)), Shard(Part(1, 4))]))).Message);
        var gone = Shard(Part(0, 7));
        File.Delete(ShardPath(store, gone));
        Assert.Contains("not on disk", Assert.Throws<InvalidOperationException>(() => store.WriteManifest(Manifest(1, [gone]))).Message);
        Assert.Empty(store.Manifests());
    }

    [Fact]
    public void Loading_what_a_checkpoint_lacks_names_the_tensor()
    {
        var store = Store("lacking");
        using var state = new StateInMemory(1);
        using var read = new StateInMemory(null);
        var manifest = Manifest(1, [store.WriteShard([state.Block(StateKind.Parameter, "matrix", [0, 0], [7, 10])])]);
        Assert.Contains("Parameter vector", Assert.Throws<BadInputException>(() => store.Load(manifest, [read.Block(StateKind.Parameter, "vector", [0], [9])])).What);
        Assert.Contains("FirstMoment matrix", Assert.Throws<BadInputException>(() => store.Load(manifest, [read.Block(StateKind.FirstMoment, "matrix", [0, 0], [1, 1])])).What);
        var other = new StateBlock(StateKind.Parameter, new TensorSlice("matrix", [7, 11], [0, 0], [7, 10]), read.Block(StateKind.Parameter, "matrix", [0, 0], [7, 10]).Address, 10);
        Assert.Contains("[7, 11]", Assert.Throws<BadInputException>(() => store.Load(manifest, [other])).What);
        Assert.Throws<ArgumentException>(() => store.WriteShard([new StateBlock(StateKind.Parameter, new TensorSlice("cube", [2, 2, 2], [0, 0, 0], [2, 2, 2]), 0, 2)]));
    }

    [Fact]
    public void The_newest_sound_checkpoint_is_found_and_the_ones_passed_over_are_named()
    {
        var store = Store("fallback");
        using var state = new StateInMemory(1);
        using var later = new StateInMemory(2);
        using var last = new StateInMemory(3);
        Assert.Null(store.LatestSound(_ => Assert.Fail("nothing is there")));
        var first = store.WriteManifest(Manifest(100, Spread(store, state.Whole(), 2)));
        var damaged = Manifest(200, Spread(store, later.Whole(), 2));
        store.WriteManifest(damaged);
        var torn = store.WriteManifest(Manifest(300, Spread(store, last.Whole(), 2)));
        Flip(ShardPath(store, damaged.Shards[1]), 1000, 3);
        File.WriteAllText(torn, File.ReadAllText(torn)[..200]);
        var faults = new List<string>();
        var found = store.LatestSound(faults.Add);
        Assert.Equal(first, found?.Path);
        Assert.Equal(100, found?.Manifest.Step);
        Assert.Equal(2, faults.Count);
        Assert.Contains(torn, faults[0]);
        Assert.Contains(damaged.Shards[1].Sha256, faults[1]);
    }

    [Fact]
    public void A_shard_damaged_after_it_was_verified_is_not_loaded()
    {
        var store = Store("later damage");
        using var state = new StateInMemory(1);
        using var read = new StateInMemory(null);
        var manifest = Manifest(1, [store.WriteShard(state.Whole())]);
        Assert.Empty(store.Verify(manifest));
        store.Load(manifest, read.Whole());
        Flip(ShardPath(store, manifest.Shards[0]), manifest.Shards[0].Bytes - 1, 0);
        File.SetLastWriteTimeUtc(ShardPath(store, manifest.Shards[0]), DateTime.UnixEpoch);
        Assert.Contains("damaged", Assert.Throws<BadInputException>(() => store.Load(manifest, read.Whole())).What);
    }

    [Fact]
    public void One_bit_flipped_anywhere_in_a_shard_is_detected()
    {
        var store = Store("shard bits");
        using var state = new StateInMemory(5);
        var manifest = Manifest(1, [store.WriteShard(state.Whole())]);
        var path = ShardPath(store, manifest.Shards[0]);
        Prop.ForAll<uint, byte>((at, bit) =>
        {
            Flip(path, at % manifest.Shards[0].Bytes, bit % 8);
            Assert.Single(store.Verify(manifest));
            Flip(path, at % manifest.Shards[0].Bytes, bit % 8);
            Assert.Empty(store.Verify(manifest));
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Every_byte_of_a_manifest_is_guarded()
    {
        var store = Store("manifest bits");
        using var state = new StateInMemory(5);
        var path = store.WriteManifest(Manifest(1, [store.WriteShard([state.Block(StateKind.Parameter, "vector", [0], [9])])]));
        var sound = File.ReadAllBytes(path);
        for (var at = 0; at < sound.Length; at++)
        {
            // A different bit each time; all eight of every byte were tried once, which takes 19 s.
            var bit = at * 5 % 8;
            var flipped = sound.ToArray();
            flipped[at] ^= (byte)(1 << bit);
            File.WriteAllBytes(path, flipped);
            if (Record.Exception(() => store.Read(path)) is not BadInputException) Assert.Fail($"bit {bit} of byte {at} ({(char)sound[at]}) of {path} is not guarded");
        }
        Assert.Throws<BadInputException>(() => store.Read(path + "x"));
    }

    private static IReadOnlyList<ShardEntry> Spread(CheckpointStore store, List<StateBlock> blocks, int shards) =>
        [.. blocks.Chunk((blocks.Count + shards - 1) / shards).Select(part => store.WriteShard(part))];

    private static Manifest Manifest(int step, IReadOnlyList<ShardEntry> shards) =>
        new(step, 4, "recipe", shards, new Dictionary<string, string> { ["machine"] = "cpu of a \"kind\"" });

    private static string ShardPath(CheckpointStore store, ShardEntry entry) => Path.Combine(store.Directory, "shards", entry.Sha256 + ".safetensors");

    private static void Flip(string path, long at, int bit)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.ReadWrite);
        stream.Position = at;
        var value = stream.ReadByte();
        stream.Position = at;
        stream.WriteByte((byte)(value ^ 1 << bit));
    }

    private CheckpointStore Store(string name) => new(_folder.File(name));
}
