using System.Collections.Immutable;
using Tulu2.Checkpoints;

namespace Tulu2.Protocol.Checkpointing;

/// <summary>What the catalogue decided.</summary>
public abstract record CatalogDecision
{
    private CatalogDecision() { }

    /// <summary>Nothing yet.</summary>
    public sealed record Wait : CatalogDecision;

    /// <summary>Every rank's shard is durable: the manifest is due.</summary>
    public sealed record ManifestDue(int Step, ImmutableArray<ShardEntry> Shards) : CatalogDecision;

    /// <summary>The snapshot will never be whole.</summary>
    /// <param name="Lost">A rank was lost, so the next step may try again; else the disk refused.</param>
    public sealed record Abandoned(int Step, string Why, bool Lost) : CatalogDecision;
}
