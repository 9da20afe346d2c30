using System.Collections.Immutable;
using Tulu2.Checkpoints;
using Tulu2.Protocol.Ids;

namespace Tulu2.Protocol.Checkpointing;

/// <summary>What the catalogue decided.</summary>
public abstract record CatalogDecision
{
    private CatalogDecision() { }

    /// <summary>Nothing yet.</summary>
    public sealed record Wait : CatalogDecision;

    /// <summary>Every rank's shard is durable: the manifest is due.</summary>
    public sealed record ManifestDue(StepNumber Step, ImmutableArray<ShardEntry> Shards) : CatalogDecision;

    /// <summary>The snapshot will never be whole.</summary>
    /// <param name="Lost">A rank was lost, so the next step may try again; else the disk refused.</param>
    public sealed record Abandoned(StepNumber Step, string Why, bool Lost) : CatalogDecision;
}
