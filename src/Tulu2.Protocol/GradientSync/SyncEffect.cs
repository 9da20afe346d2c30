using System.Collections.Immutable;
using Tulu2.Collectives;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Outcomes;
using Tulu2.Protocol.Validation;
using Tulu2.Protocol.Workers;

namespace Tulu2.Protocol.GradientSync;

/// <summary>What the supervisor has to do, in this order.</summary>
public abstract record SyncEffect
{
    private SyncEffect() { }

    public sealed record Tell(Rank Rank, WorkerCommand Command) : SyncEffect;

    /// <summary>Replace the worker of a rank.</summary>
    public sealed record Restart(Rank Rank, Incarnation Incarnation, string Why) : SyncEffect;

    /// <summary>The run has this many ranks from now on: those that have no worker get one.</summary>
    public sealed record Resized(int Ranks) : SyncEffect;

    /// <summary>These ranks are no longer part of the run: their workers end, and are not replaced.</summary>
    public sealed record Released(ImmutableArray<Rank> Ranks) : SyncEffect;

    /// <summary>A rank has no worker now.</summary>
    public sealed record RankOut(Rank Rank, string Why) : SyncEffect;

    /// <summary>What a person should know of; the run goes on.</summary>
    public sealed record Warned(string Text) : SyncEffect;

    public sealed record GenerationOpened(Generation Generation, string Why, int Ranks) : SyncEffect;

    /// <summary>All ranks are there and the reference pass is not done: give them pieces of it, those of older generations included.</summary>
    public sealed record BeginScoring(Generation Generation, Roster Roster) : SyncEffect;

    /// <summary>All ranks have this step's parameters and compute nothing: give them the chunks of its validation, those of older generations included.</summary>
    public sealed record BeginValidation(Generation Generation, StepNumber Step, Roster Roster) : SyncEffect;

    /// <summary>What a validation means for the run. Goes to the ledger before the run goes on.</summary>
    public sealed record Validated(StepNumber Step, ValidationVerdict Verdict) : SyncEffect;

    /// <summary>A slot is left out of its step from now on. Goes to the ledger before the step goes on.</summary>
    /// <param name="Why">How the workers ended that computed it.</param>
    public sealed record Quarantined(StepSlot Slot, string Rows, string Why) : SyncEffect;

    /// <summary>Discard the checkpoints of steps after this one, also one that is being written, and say which is the newest that is left: <see cref="SyncCommand.RolledBack"/>.</summary>
    /// <param name="Best">The best of the steps that are left; null: none was validated.</param>
    public sealed record RollBack(StepNumber To, StepNumber? Best) : SyncEffect;

    /// <summary>Commits are undone. Goes to the ledger before any rank goes on.</summary>
    public sealed record RolledBack(Rollback Rollback) : SyncEffect;

    public sealed record PhaseChanged(RunPhase Phase) : SyncEffect;

    /// <summary>A step is decided. Goes to the ledger before the ranks hear of it.</summary>
    public sealed record Committed(StepCommit Step) : SyncEffect;

    /// <summary>The ranks of the generation will write shards for this step.</summary>
    public sealed record SnapshotBegun(StepNumber Step, Roster Roster) : SyncEffect;

    /// <summary>These ranks will write nothing for this step any more.</summary>
    public sealed record SnapshotRanksGone(StepNumber Step, ImmutableArray<Rank> Ranks) : SyncEffect;

    public sealed record Failed(RunFailure Failure) : SyncEffect;

    public sealed record Finished(StepNumber Step, string? ParametersSha256, string? ManifestPath, bool Cancelled) : SyncEffect;
}

/// <summary>A step as it was decided.</summary>
/// <param name="Seconds">Since the previous commit of the same generation, else since the generation began to compute.</param>
/// <param name="Replayed">It had been committed before, with the same hash.</param>
public sealed record StepCommit(
    Generation Generation, StepNumber Step, string GradientHash, StepMetrics Metrics, ImmutableArray<RankShare> Shares, double Seconds, bool Replayed)
{
    /// <summary>Not null: the step is not finite and changed nothing.</summary>
    public StepFault? Skipped { get; init; }

    /// <summary>Slots that were left out, ascending.</summary>
    public ImmutableArray<SlotNumber> LeftOut { get; init; } = [];

    /// <summary>The slot whose gradient two replicas computed, with the same result, or the same one twice; null: none was checked.</summary>
    public SlotNumber? Checked { get; init; }

    /// <summary>By slot: the numbers of its rows (or pairs); empty: not known.</summary>
    public ImmutableArray<IReadOnlyList<int>> Samples { get; init; } = [];

    /// <summary>Real tokens of the step over <see cref="Seconds"/>; 0 where no time was measured.</summary>
    public double TokensPerSecond => Seconds > 0 ? Metrics.Tokens / Seconds : 0;
}

/// <summary>What one rank did for a step.</summary>
/// <param name="Slots">The slots whose gradients it gave, also those it kept from an older generation; of a replica of several ranks only the first names them.</param>
/// <param name="SlotSeconds">For each of these slots; 0 where the report was lost with an older generation.</param>
public sealed record RankShare(Rank Rank, ImmutableArray<SlotRange> Slots, ImmutableArray<double> SlotSeconds, StepTimes Times);
