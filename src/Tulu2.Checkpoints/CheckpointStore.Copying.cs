using System.Security.Cryptography;
using Tulu2.Files;

namespace Tulu2.Checkpoints;

/// <summary>Copies between this store and another, and what a copy can heal.</summary>
public sealed unsafe partial class CheckpointStore
{
    private const int CopyBuffer = 1 << 22;

    /// <summary>Throws where a checkpoint of about <paramref name="bytes"/> could not be written now: no room, or no permission.</summary>
    /// <exception cref="IOException">There is no room, or the file system is read-only or gone.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be written.</exception>
    public void Probe(long bytes)
    {
        System.IO.Directory.CreateDirectory(Shards);
        FreeSpace.Check(Shards, bytes);
        var probe = Path.Combine(Shards, $".{Guid.NewGuid():N}{AtomicFile.PartSuffix}");
        try
        {
            using var file = new FileStream(probe, FileMode.CreateNew, FileAccess.Write, FileShare.None);
            file.Write(new byte[4096]);
            file.Flush(flushToDisk: true);
        }
        finally
        {
            File.Delete(probe);
        }
    }

    /// <summary>Copies the checkpoint of a step to another store: shards that are not there first, each hashed as it is read, then the manifest.</summary>
    /// <param name="copied">Called with the bytes that were copied so far and those that are to be copied.</param>
    /// <returns>Bytes copied.</returns>
    /// <exception cref="BadInputException">The checkpoint is damaged here, or was pruned; the copy has no manifest then.</exception>
    /// <exception cref="IOException">The other store cannot be written.</exception>
    public long CopyTo(CheckpointStore other, int step, Action<long, long> copied)
    {
        var manifest = Read(ManifestPathOf(step));
        var missing = manifest.Shards.DistinctBy(shard => shard.Sha256).Where(shard => !other.IsVerified(shard) && other.Fault(shard) is not null).ToArray();
        var (done, total) = (0L, missing.Sum(shard => shard.Bytes));
        copied(0, total);
        foreach (var shard in missing)
            other.Take(shard, this, bytes => copied(done += bytes, total));
        other.WriteManifest(manifest);
        return done;
    }

    /// <summary>The faults of a checkpoint, and of each whether the mirror has the shard. Reads every byte, like <see cref="Verify"/>.</summary>
    public IReadOnlyList<(ShardEntry Shard, string Fault, bool CanHeal)> Diagnose(Manifest manifest) =>
        [.. from shard in manifest.Shards let fault = Fault(shard) where fault is not null select (shard, fault, Mirror?.Fault(shard) is null && Mirror is not null)];

    /// <summary>Takes a shard from the mirror in place of one that is missing or damaged here.</summary>
    /// <returns>Whether it is sound here now.</returns>
    public bool TryHeal(ShardEntry shard) => TryHeal(shard, _ => { });

    /// <param name="say">Takes why it cannot be healed, where the mirror has it.</param>
    /// <inheritdoc cref="TryHeal(ShardEntry)"/>
    public bool TryHeal(ShardEntry shard, Action<string> say)
    {
        if (Mirror is null || Mirror.Fault(shard) is not null) return false;
        try
        {
            Take(shard, Mirror, _ => { });
            return Fault(shard) is null;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or BadInputException)
        {
            say($"shard {shard.Sha256} is in {Mirror.Directory} and cannot be written back to {Shards}: {FaultText.Of(fault)}");
            return false;
        }
    }

    /// <summary>
    /// As <see cref="LatestSound(Action{string})"/>, with the mirror: what is missing or damaged here is taken from there and written back. A checkpoint that only the mirror has is one
    /// of them.
    /// </summary>
    /// <param name="belongs">Whether a manifest is one of this run: the mirror may have those of steps that were made again by a changed recipe.</param>
    /// <param name="healed">Takes a line for each checkpoint that was healed.</param>
    public (string Path, Manifest Manifest)? LatestSound(Func<Manifest, bool> belongs, Action<string> fault, Action<string> healed)
    {
        if (Mirror is null) return LatestSound(fault);
        foreach (var name in Manifests().Concat(Mirror.Manifests()).Select(path => Path.GetFileName(path)).Distinct().OrderDescending(StringComparer.Ordinal))
        {
            var path = Path.Combine(ManifestFolder, name);
            var own = TryRead(path, fault);
            var manifest = own ?? TryRead(Path.Combine(Mirror.ManifestFolder, name), fault);
            if (manifest is null) continue;
            if (!belongs(manifest))
            {
                fault($"{(own is null ? Path.Combine(Mirror.ManifestFolder, name) : path)}: is of another run, or of this one before its recipe was changed");
                continue;
            }
            var faults = manifest.Shards.Select(shard => (Shard: shard, Fault: Fault(shard))).Where(found => found.Fault is not null).ToArray();
            var lost = faults.Where(found => !TryHeal(found.Shard, fault)).ToArray();
            foreach (var (_, text) in lost) fault($"{path}: {text}");
            if (lost.Length > 0 || (own is null && !TryWriteBack(manifest, fault))) continue;
            if (own is null || faults.Length > 0)
                healed($"the checkpoint of step {manifest.Step} is healed from {Mirror.Directory}: {NumberText.Count(faults.Length, "shard")}{(own is null ? " and its manifest" : "")}");
            return (path, manifest);
        }
        return null;
    }

    private bool TryWriteBack(Manifest manifest, Action<string> fault)
    {
        try
        {
            WriteManifest(manifest);
            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            fault($"{ManifestPathOf(manifest.Step)} cannot be written back from {Mirror!.Directory}: {FaultText.Of(error)}");
            return false;
        }
    }

    // Null: there is none, or it cannot be used.
    private static Manifest? TryRead(string path, Action<string> fault)
    {
        try
        {
            return File.Exists(path) ? ManifestFile.Read(path) : null;
        }
        catch (BadInputException bad)
        {
            fault(bad.Message);
            return null;
        }
    }

    private void Take(ShardEntry shard, CheckpointStore from, Action<long> copied)
    {
        var path = from.ShardPath(shard.Sha256);
        AtomicFile.WriteNamed(Shards, target =>
        {
            FreeSpace.Check(Shards, shard.Bytes);
            var to = new SparingStream(Through(target), Shards);
            using var source = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, 1, FileOptions.SequentialScan);
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            var buffer = new byte[Math.Min(CopyBuffer, Math.Max(1, shard.Bytes))];
            while (source.Read(buffer) is > 0 and var read)
            {
                hash.AppendData(buffer, 0, read);
                to.Write(buffer.AsSpan(0, read));
                copied(read);
            }
            if (Convert.ToHexStringLower(hash.GetHashAndReset()) != shard.Sha256)
                throw new BadInputException(path, "is damaged: its content has another hash", "'tulu2 checkpoint verify' lists what is damaged");
            return Path.GetFileName(path);
        });
    }
}
