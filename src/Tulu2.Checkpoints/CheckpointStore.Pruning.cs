using Tulu2.Files;

namespace Tulu2.Checkpoints;

/// <summary>Deleting what no checkpoint needs.</summary>
public sealed unsafe partial class CheckpointStore
{
    // A shard that no manifest has ever named is kept this long.
    private static readonly TimeSpan Grace = TimeSpan.FromHours(1);

    /// <summary>
    /// Deletes all but the newest <paramref name="keep"/> manifests and those of the steps <paramref name="besides"/>, then shards that none names, and leftovers of killed writers. Where one of the newest
    /// cannot be read, an older one may be the last that is sound, so nothing is deleted.
    /// </summary>
    /// <remarks>
    /// Other processes write shards meanwhile, and what they finished waits for its manifest under its final name. All of it is younger than the newest
    /// manifest, because one checkpoint is made at a time, and a shard that is written again gets a new time. So only what is older goes: at once where a
    /// manifest that is deleted now had named it; a shard that none ever named may be of a checkpoint that overlaps after all, and goes an hour later.
    /// Where a manifest of <paramref name="besides"/> cannot be read, its shards are not known: it stays, and so does every shard that may be one of them, which is
    /// all that was written before it or that no manifest is known to have named. What checkpoints after it had named still goes, or the disk would fill; the rest
    /// goes once there is another best.
    /// </remarks>
    public void Prune(int keep, params IReadOnlyCollection<int> besides)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(keep, 1);
        var manifests = Manifests();
        if (manifests.Count == 0) return;
        HashSet<string> named = [], outlived = [];
        HashSet<string> kept = [.. manifests.TakeLast(keep)];
        foreach (var path in kept)
        {
            try { named.UnionWith(Read(path).Shards.Select(shard => ShardPath(shard.Sha256))); }
            catch (BadInputException) { return; }
        }
        DateTime? unknownUntil = null;
        foreach (var other in besides.Select(ManifestOf).OfType<string>().Where(kept.Add))
        {
            try { named.UnionWith(Read(other).Shards.Select(shard => ShardPath(shard.Sha256))); }
            catch (BadInputException) { unknownUntil = File.GetLastWriteTimeUtc(other) is var written && unknownUntil > written ? unknownUntil : written; }
        }
        var newest = File.GetLastWriteTimeUtc(manifests[^1]);
        foreach (var path in manifests.Where(path => !kept.Contains(path)))
        {
            try { outlived.UnionWith(Read(path).Shards.Select(shard => ShardPath(shard.Sha256))); }
            catch (BadInputException) { /* what it named goes when its time has come */ }
            AtomicFile.Delete(path);
        }
        if (System.IO.Directory.Exists(Shards))
            foreach (var shard in System.IO.Directory.EnumerateFiles(Shards, "*.safetensors"))
                if (!named.Contains(shard) && IsOver(outlived.Contains(shard), File.GetLastWriteTimeUtc(shard))) AtomicFile.Delete(shard);
        AtomicFile.RemoveLeftovers(Shards);
        AtomicFile.RemoveLeftovers(ManifestFolder);

        bool IsOver(bool wasNamed, DateTime written) =>
            written < (wasNamed ? newest : newest - Grace) && (unknownUntil is not { } until || wasNamed && written > until);
    }

    /// <summary>
    /// Shards that no manifest names: a rank wrote its own, another could not, and the checkpoint was given up. While a run is under way also those that wait
    /// for
    /// their manifest. Empty where a manifest cannot be read, since what it names is not known then.
    /// </summary>
    public IReadOnlyList<(string Path, long Bytes)> Orphans()
    {
        var named = new HashSet<string>();
        foreach (var path in Manifests())
        {
            try { named.UnionWith(Read(path).Shards.Select(shard => ShardPath(shard.Sha256))); }
            catch (BadInputException) { return []; }
        }
        return System.IO.Directory.Exists(Shards)
            ? [.. new DirectoryInfo(Shards).EnumerateFiles("*.safetensors").Where(shard => !named.Contains(shard.FullName))
                .Select(shard => (shard.FullName, shard.Length))]
            : [];
    }

    /// <summary>Deletes the orphans, whatever their age: for the one that has the run, before its first writer begins and after the last has ended.</summary>
    /// <remarks>A writer of an earlier life that is still at it makes a shard again or leaves an orphan; a manifest of it will never be.</remarks>
    public void Sweep()
    {
        foreach (var (path, _) in Orphans()) AtomicFile.Delete(path);
    }
}
