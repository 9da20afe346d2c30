using Tulu2.Checkpoints;
using Tulu2.Cluster.Ledger;
using Tulu2.Simulation.Engine;

namespace Tulu2.Simulation.Model;

/// <summary>A manifest on disk.</summary>
internal sealed record StoredManifest(int Step, IReadOnlyList<ShardEntry> Shards)
{
    public string Path => $"step-{Step}";
}

/// <summary>A rank's share of a state, on disk: all shares of a part are the part.</summary>
/// <param name="Share">From 0, of <paramref name="Shares"/>: as many as there were twins.</param>
internal sealed record StoredShard(int Step, int Rank, long State, int Share, int Shares)
{
    public string Name => $"{Step}-{Rank}-{Share}/{Shares}-{State:x16}";
}

/// <summary>The run's directory, which every process sees and which outlives them all: ledger and its lock, shards, manifests, the evaluation's record.</summary>
internal sealed class RunDisk
{
    private readonly List<LedgerEntry> _ledger = [];

    /// <summary>Entries that survive a crash of the coordinator's machine.</summary>
    public int Flushed { get; private set; }

    public IReadOnlyList<LedgerEntry> Ledger => _ledger;

    /// <summary>By name: what a shard contains.</summary>
    public Dictionary<string, StoredShard> Shards { get; } = [];

    public SortedDictionary<int, StoredManifest> Manifests { get; } = [];

    /// <summary>The process that has the lock of the ledger.</summary>
    public SimulatedProcess? Owner { get; set; }

    /// <summary>Replicas that the run was scaled to; null: it never was.</summary>
    public int? Data { get; set; }

    /// <summary>Checkpoints cannot be written.</summary>
    public bool IsFull { get; set; }

    /// <summary>Items that are scored, by step and benchmark; a score that is recorded; work whose outcome is a file that nobody has taken yet.</summary>
    public Dictionary<(int Step, string Benchmark), HashSet<int>> Scored { get; } = [];
    public Dictionary<(int Step, string Benchmark), double> Scores { get; } = [];
    public SortedDictionary<string, string> Outcomes { get; } = new(StringComparer.Ordinal);
    public SortedSet<(int Step, string Benchmark)> Planned { get; } = [];

    public bool IsLocked => Owner is { IsAlive: true };

    public void Write(LedgerEvent what) => _ledger.Add(new LedgerEntry(_ledger.Count + 1, DateTimeOffset.UnixEpoch, what));

    public void Flush() => Flushed = _ledger.Count;

    /// <summary>The machine that wrote the ledger has crashed: what was not flushed is gone.</summary>
    public IReadOnlyList<LedgerEvent> LoseUnflushed()
    {
        LedgerEvent[] lost = [.. _ledger.Skip(Flushed).Select(entry => entry.Event)];
        _ledger.RemoveRange(Flushed, _ledger.Count - Flushed);
        return lost;
    }

    public StoredManifest? Newest => Manifests.Count == 0 ? null : Manifests.Values.Last();

    /// <summary>Deletes all manifests but the newest, and the shards that none names.</summary>
    public void Prune(int keep, IReadOnlyCollection<int> besides)
    {
        foreach (var step in Manifests.Keys.SkipLast(keep).Where(step => !besides.Contains(step)).ToArray()) Manifests.Remove(step);
        var newest = Newest?.Step ?? 0;
        foreach (var shard in Orphans().Where(shard => Shards[shard].Step <= newest)) Shards.Remove(shard);
    }

    public List<string> Orphans()
    {
        var named = Manifests.Values.SelectMany(manifest => manifest.Shards).Select(shard => shard.Sha256).ToHashSet();
        return [.. Shards.Keys.Where(shard => !named.Contains(shard))];
    }
}
