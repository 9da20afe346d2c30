using Tulu2.Checkpoints;
using Tulu2.Checkpoints.Safetensors;
using Tulu2.Files;
using Tulu2.Tests.Data;
using Xunit;

namespace Tulu2.Tests.Checkpoints;

/// <summary>A writer that is killed before each thing that it does to the file system, one after the other.</summary>
public sealed class CheckpointCrashTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly StateInMemory _before = new(1);
    private readonly StateInMemory _after = new(2);

    public void Dispose()
    {
        AtomicFile.Before = null;
        _before.Dispose();
        _after.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Wherever_a_writer_is_killed_every_manifest_that_is_there_is_whole_and_the_next_life_cleans_up()
    {
        var acts = new SortedSet<FileAct>();
        var (finished, later) = (false, 0);
        for (var point = 0; !finished; point++)
        {
            var directory = _folder.File($"killed-{point}");
            Write(new CheckpointStore(directory), 100, _before);
            var killed = new Killed(point);
            finished = killed.Run(() =>
            {
                var store = new CheckpointStore(directory) { Through = killed.Half };
                Write(store, 200, _after);
                store.Prune(1);
            });
            acts.UnionWith(killed.Acts);
            later += Step(new CheckpointStore(directory)) == 200 ? 1 : 0;
            CheckWhole(directory);
            CleansUp(directory);
        }
        Assert.Equal(Enum.GetValues<FileAct>(), acts);
        // Killed while it pruned, it has the new one; before, the old one.
        Assert.InRange(later, 2, 20);
    }

    [Fact]
    public void Wherever_a_copy_is_killed_every_manifest_of_the_second_place_is_whole_and_the_next_life_copies_the_rest()
    {
        var run = new CheckpointStore(_folder.File("run"));
        Write(run, 100, _before);
        Write(run, 200, _after);
        var finished = false;
        for (var point = 0; !finished; point++)
        {
            var directory = _folder.File($"copy-{point}");
            run.CopyTo(new CheckpointStore(directory), 100, (_, _) => { });
            var killed = new Killed(point);
            finished = killed.Run(() =>
            {
                var store = new CheckpointStore(directory) { Through = killed.Half };
                run.CopyTo(store, 200, (_, _) => { });
                store.Prune(1);
            });
            CheckWhole(directory);
            var next = new CheckpointStore(directory);
            run.CopyTo(next, 200, (_, _) => { });
            next.Prune(1);
            Assert.Equal(200, Step(next));
            CheckWhole(directory);
        }
    }

    [Fact]
    public void A_file_is_flushed_before_it_is_named_and_its_directory_after_and_the_manifest_comes_last()
    {
        var store = new CheckpointStore(_folder.File("order"));
        var killed = new Killed(int.MaxValue);
        Assert.True(killed.Run(() => Write(store, 100, _before)));
        FileAct[] file = [FileAct.Create, FileAct.Flush, FileAct.Rename, FileAct.FlushDirectory];
        // Two shards and the manifest.
        Assert.Equal([.. file, .. file, .. file], killed.Acts);
    }

    private static int Step(CheckpointStore store) => store.LatestSound(fault => Assert.Fail(fault))!.Value.Manifest.Step;

    private static void Write(CheckpointStore store, int step, StateInMemory state) => store.WriteManifest(new Manifest(step, 4, "recipe",
        [.. state.Whole().Chunk(5).Select(store.WriteShard)], new Dictionary<string, string>()));

    // The newest is found without a fault, and none that is there names a shard that is missing or half written.
    private void CheckWhole(string directory)
    {
        var store = new CheckpointStore(directory);
        foreach (var path in store.Manifests())
        {
            var manifest = store.Read(path);
            Assert.Empty(store.Verify(manifest));
            using var read = new StateInMemory(null);
            store.Load(manifest, read.Whole());
            Assert.Equal((manifest.Step == 100 ? _before : _after).Bytes(), read.Bytes());
        }
        Assert.NotEmpty(store.Manifests());
    }

    private void CleansUp(string directory)
    {
        var store = new CheckpointStore(directory);
        store.Sweep();
        using var last = new StateInMemory(3);
        Write(store, 300, last);
        // A part that nobody has locked goes once it is old enough to be nobody's.
        foreach (var file in Directory.EnumerateFiles(directory, "*", SearchOption.AllDirectories))
            if (!file.Contains("00300")) File.SetLastWriteTimeUtc(file, DateTime.UtcNow - TimeSpan.FromHours(2));
        store.Prune(1);
        var manifest = store.Read(Assert.Single(store.Manifests()));
        Assert.Equal(manifest.Shards.Select(shard => $"{shard.Sha256}.safetensors").Append("step-00000300.json").Order(),
            Directory.EnumerateFiles(directory, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 }).Select(Path.GetFileName).Order());
    }

    private sealed class KilledException : Exception;

    /// <summary>Kills its thread's writer at the given act: neither that nor anything after it is done, not even what a failure would clean up.</summary>
    private sealed class Killed(int point)
    {
        private int _acts;

        public List<FileAct> Acts { get; } = [];

        /// <returns>It came to its end.</returns>
        public bool Run(Action write)
        {
            AtomicFile.Before = act =>
            {
                Acts.Add(act);
                Next();
            };
            try
            {
                write();
                return true;
            }
            catch (KilledException)
            {
                return false;
            }
            finally
            {
                AtomicFile.Before = null;
            }
        }

        /// <summary>A stream of which a killed writer has written a half.</summary>
        public Stream Half(Stream inner) => new HalfStream(inner, this);

        public void Next()
        {
            if (_acts++ >= point) throw new KilledException();
        }
    }

    private sealed class HalfStream(Stream inner, Killed killed) : PassingStream(inner)
    {
        public override void Write(ReadOnlySpan<byte> buffer)
        {
            var half = buffer.Length / 2;
            Inner.Write(buffer[..half]);
            Inner.Flush();
            killed.Next();
            Inner.Write(buffer[half..]);
        }
    }
}
