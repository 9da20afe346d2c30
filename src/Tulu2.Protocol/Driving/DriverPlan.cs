using System.Collections.Immutable;
using Tulu2.Checkpoints;
using Tulu2.Data.Slots;
using Tulu2.Protocol.GradientSync;
using Tulu2.Protocol.Ids;

namespace Tulu2.Protocol.Driving;

/// <summary>The run that a <see cref="StepDriver"/> drives.</summary>
/// <param name="Batches">Read on the driver's thread.</param>
public sealed record DriverPlan(SyncRules Rules, IBatchPlan Batches)
{
    /// <summary>Null: the run begins with the recipe's weights.</summary>
    public KnownManifest? Start { get; init; }

    public ProgressLease Lease { get; init; } = ProgressLease.Default;

    /// <summary>The node of a rank.</summary>
    public Func<Rank, string> NodeOf { get; init; } = _ => "";

    /// <summary>Slots that a rank may be fed ahead.</summary>
    public int Credits { get; init; } = 2;

    /// <summary>Failed workers that are replaced, all ranks together; one more ends the run.</summary>
    public int Restarts { get; init; }

    /// <summary>Chunks of the reference pass, which is made first; empty: none is due.</summary>
    public IReadOnlyList<SlotBatch> Reference { get; init; } = [];

    /// <summary>Takes each chunk's log-probabilities, once.</summary>
    public Action<int, float[]> Scored { get; init; } = (_, _) => { };

    /// <summary>Chunks of each validation; the rules say when one is due.</summary>
    public IReadOnlyList<SlotBatch> Validation { get; init; } = [];

    /// <summary>From the log-probabilities of the chunks to the value by which validations are compared.</summary>
    public Func<StepNumber, IReadOnlyList<float[]>, double> Measure { get; init; } = (_, _) => double.NaN;

    /// <summary>
    /// Makes the manifest of a step from its shards and returns its path. Null: workers take no snapshots, and a step that every rank has applied counts as saved.
    /// </summary>
    public Func<StepNumber, ImmutableArray<ShardEntry>, string>? WriteManifest { get; init; }

    /// <summary>The ranks that the commit of a step reaches before the supervisor is lost and another one takes over; null: all, and it stays.</summary>
    public Func<StepNumber, IReadOnlyCollection<Rank>?> CommitTo { get; init; } = _ => null;

    /// <summary>False: the effect is lost on its way.</summary>
    public Func<SyncEffect, bool> Delivers { get; init; } = _ => true;

    /// <summary>Called with each decision, before its effects.</summary>
    public Action<GradientSyncState, SyncCommand, Decision> Observed { get; init; } = (_, _, _) => { };

    /// <summary>Called before each effect is carried out.</summary>
    public Action<SyncEffect> Decided { get; init; } = _ => { };

    /// <summary>Called with each report of a worker that was not replaced meanwhile.</summary>
    public Action<RankReport> Heard { get; init; } = _ => { };
}
