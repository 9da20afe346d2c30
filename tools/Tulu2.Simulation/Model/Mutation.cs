using Tulu2.Checkpoints;
using Tulu2.Protocol.Checkpointing;
using Tulu2.Protocol.GradientSync;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;
using Tulu2.Simulation.Engine;

namespace Tulu2.Simulation.Model;

/// <summary>
/// What may be wrong around the product's states, to see that the invariants notice it: what they are told and what is done with what they decide. The default is the protocol as it is.
/// </summary>
internal sealed record Mutation(string Name)
{
    public static Mutation None { get; } = new("none");

    /// <summary>The kinds of faults in which it shows; empty: any.</summary>
    public IReadOnlyList<Fault> Faults { get; init; } = [];

    /// <summary>What the state hears in place of a command.</summary>
    public Func<GradientSyncState, SyncCommand, IEnumerable<SyncCommand>> Hears { get; init; } = (_, command) => [command];

    /// <summary>What is done in place of an effect.</summary>
    public Func<SyncEffect, IEnumerable<SyncEffect>> Does { get; init; } = effect => [effect];

    /// <summary>What a coordinator begins with.</summary>
    public Func<SyncStart, SyncStart> Begins { get; init; } = start => start;

    /// <summary>What a worker reports.</summary>
    public Func<WorkerReport, WorkerReport> Says { get; init; } = report => report;

    /// <summary>What the catalogue decides when a shard has come.</summary>
    public Func<CheckpointCatalog, Rank, StepNumber, ShardEntry, (CheckpointCatalog Next, CatalogDecision Decision)> Arrives { get; init; } =
        (catalog, rank, step, shard) => catalog.Arrive(rank, step, shard);

    public StreamFault Stream { get; init; }

    /// <summary>Commits and generations are told before they are in the ledger.</summary>
    public bool OvertakesLedger { get; init; }

    /// <summary>A generation is told before it would survive a crash of the coordinator's machine.</summary>
    public bool FlushesNoGeneration { get; init; }

    /// <summary>Checkpoints are deleted as soon as there is a newer one, whoever loads them.</summary>
    public bool PrunesAtOnce { get; init; }

    /// <summary>A worker does commands of older generations.</summary>
    public bool IgnoresFence { get; init; }

    /// <summary>A worker does commands of a generation in which a call of it was aborted.</summary>
    public bool GoesOnAfterAbort { get; init; }

    /// <summary>A successor does not wait for the lock of the ledger.</summary>
    public bool IgnoresLock { get; init; }

    /// <summary>Every outcome of evaluation work is recorded.</summary>
    public bool KeepsEveryOutcome { get; init; }
}
