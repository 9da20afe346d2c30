using System.Collections.Immutable;
using Tulu2.Checkpoints;
using Tulu2.Protocol.Ids;

namespace Tulu2.Protocol.Checkpointing;

/// <summary>
/// Which shards of the snapshot in flight have arrived from which ranks. One shard a rank; a shard of any step but the one in flight is dropped, which is
/// what fences late writers. Immutable.
/// </summary>
public sealed record CheckpointCatalog
{
    /// <summary>The step whose snapshot is in flight.</summary>
    public StepNumber? Step { get; private init; }

    /// <summary>The ranks that write a shard of it.</summary>
    internal ImmutableHashSet<Rank> Awaited { get; init; } = [];

    private ImmutableSortedDictionary<Rank, ShardEntry> Arrived { get; init; } = ImmutableSortedDictionary<Rank, ShardEntry>.Empty;

    /// <summary>These ranks were told to take a snapshot after <paramref name="step"/>.</summary>
    public CheckpointCatalog Begin(StepNumber step, IEnumerable<Rank> ranks) => this with { Step = step, Awaited = [.. ranks], Arrived = Arrived.Clear() };

    public (CheckpointCatalog Next, CatalogDecision Decision) Arrive(Rank rank, StepNumber step, ShardEntry shard)
    {
        if (step != Step || !Awaited.Contains(rank) || Arrived.ContainsKey(rank)) return (this, new CatalogDecision.Wait());
        var next = this with { Arrived = Arrived.Add(rank, shard) };
        return next.Arrived.Count < Awaited.Count
            ? (next, new CatalogDecision.Wait())
            : (next.Close(), new CatalogDecision.ManifestDue(step, [.. next.Arrived.Values]));
    }

    /// <summary>A rank could not write its shard.</summary>
    public (CheckpointCatalog Next, CatalogDecision Decision) Fail(Rank rank, StepNumber step, string error) => step != Step || !Awaited.Contains(rank) || Arrived.ContainsKey(rank)
        ? (this, new CatalogDecision.Wait())
        : (Close(), new CatalogDecision.Abandoned(step, error, Lost: false));

    /// <summary>These ranks will write nothing more for this step; it is over unless all their shards are here.</summary>
    public (CheckpointCatalog Next, CatalogDecision Decision) Gone(StepNumber step, IReadOnlyCollection<Rank> ranks)
    {
        Rank[] gone = [.. ranks.Where(rank => Awaited.Contains(rank) && !Arrived.ContainsKey(rank))];
        if (step != Step || gone.Length == 0) return (this, new CatalogDecision.Wait());
        var missing = string.Join(", ", gone.Select(rank => $"{rank}"));
        return (Close(), new CatalogDecision.Abandoned(step, $"rank {missing} was lost, or not heard of for too long, before its shard was durable", Lost: true));
    }

    /// <summary>It has taken too long: the storage is stuck, and another rank would not help. What still arrives for it is dropped.</summary>
    public (CheckpointCatalog Next, CatalogDecision Decision) Overdue(StepNumber step, string why)
    {
        if (step != Step) return (this, new CatalogDecision.Wait());
        var missing = string.Join(", ", Awaited.Except(Arrived.Keys).Order());
        return (Close(), new CatalogDecision.Abandoned(step, $"{why} (rank {missing})", Lost: false));
    }

    private CheckpointCatalog Close() => this with { Step = null, Arrived = Arrived.Clear() };
}
