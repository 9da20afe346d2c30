using Tulu2.Data.Slots;
using Tulu2.Protocol.Accounts;
using Tulu2.Protocol.GradientSync;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Outcomes;
using Tulu2.Protocol.Validation;
using Tulu2.Protocol.Workers;

namespace Tulu2.Protocol.Events;

/// <summary>Something that happened in a run. Plain data: it can cross processes, and a subscriber cannot change the run through it.</summary>
public abstract record RunEvent
{
    private RunEvent() { }

    /// <summary>Entries of the run's ledger are lost. Precedes <see cref="Started"/>.</summary>
    public sealed record HistoryLost(string Text) : RunEvent;

    /// <summary>Precedes <see cref="Started"/> and the ledger's entry. Steps made after <paramref name="After"/> are void where bits depend on the change.</summary>
    /// <param name="Keys">Changed keys, one text each.</param>
    public sealed record RecipeChanged(StepNumber After, IReadOnlyList<string> Keys, bool DecidesBits) : RunEvent;

    /// <summary>What a person should know of; the run goes on.</summary>
    public sealed record Warned(string Text) : RunEvent;

    /// <summary>The run starts, or starts again.</summary>
    /// <param name="Slots">Slots per step.</param>
    /// <param name="Step">Steps applied before.</param>
    /// <param name="Manifest">Path of the manifest with the state after <paramref name="Step"/>; null: the recipe's weights.</param>
    /// <param name="Facts">Host, versions and the like, for people.</param>
    public sealed record Started(
        bool IsResumed, string RecipeHash, int VirtualShards, int Ranks, int Slots, int TotalSteps, StepNumber Step, string? Manifest,
        IReadOnlyDictionary<string, string> Facts) : RunEvent
    {
        /// <summary>How an epoch passes the rows; null: not known.</summary>
        public EpochFacts? Epoch { get; init; }
    }

    public sealed record PhaseChanged(RunPhase Phase) : RunEvent;

    /// <summary>The cluster's nodes have too little capacity for the run's ranks; it waits for more.</summary>
    /// <param name="Missing">Ranks without a node.</param>
    public sealed record WaitingForPlaces(int Missing) : RunEvent;

    public sealed record RanksPlaced(string Node, IReadOnlyList<Rank> Ranks) : RunEvent;

    public sealed record GenerationOpened(Generation Generation, string Why, int Ranks) : RunEvent;

    /// <summary>Chunks of the reference pass; those found in the cache count as done.</summary>
    public sealed record ReferenceProgressed(int Done, int Total) : RunEvent;

    public sealed record StepCommitted(StepCommit Step) : RunEvent;

    /// <summary>A step that an earlier session committed. Precedes <see cref="Started"/>; files that lack it can be completed.</summary>
    public sealed record StepKnown(StepNumber Step, StepMetrics Metrics, double Seconds) : RunEvent
    {
        /// <summary>Why it changed nothing; null: it was applied.</summary>
        public string? Skipped { get; init; }

        /// <summary>How many of its slots were left out.</summary>
        public int LeftOut { get; init; }
    }

    /// <summary>The parameters of a committed step were measured on the validation data.</summary>
    /// <param name="Values">The loss first.</param>
    /// <param name="Seconds">From the commit on.</param>
    public sealed record Validated(StepNumber Step, NamedValues Values, ValidationVerdict Verdict, double Seconds) : RunEvent;

    /// <summary>A validation of an earlier session, which is not made again. Precedes <see cref="Started"/>; files that lack it can be completed.</summary>
    public sealed record ValidationKnown(StepNumber Step, NamedValues Values, ValidationVerdict Verdict) : RunEvent;

    /// <summary>The worker of a rank is gone; another one is started.</summary>
    public sealed record RankLost(Rank Rank, string Why) : RunEvent;

    /// <summary>The run goes on after the loss of a rank or of its supervisor.</summary>
    public sealed record Recovered(Recovery Recovery) : RunEvent;

    /// <summary>Where the ranks' time went until now, over all sessions.</summary>
    public sealed record TimeAccounted(AccountedTimes Times) : RunEvent;

    /// <summary>A slot that ended several workers is left out of its step, here and in every replay.</summary>
    public sealed record SlotQuarantined(StepSlot Slot, string Rows, string Why) : RunEvent;

    /// <summary>Commits are undone, and their data and those of the step at fault passed over.</summary>
    public sealed record RolledBack(Rollback Rollback) : RunEvent;

    /// <param name="Manifest">Path of the manifest.</param>
    /// <param name="Seconds">Since the snapshot began.</param>
    public sealed record CheckpointWritten(StepNumber Step, string Manifest, double Seconds) : RunEvent
    {
        /// <summary>Time that the step waited for the copy of its state in memory: that of the slowest rank. Null: no rank has made one, or it was told before.</summary>
        public double? StallSeconds { get; init; }
    }

    /// <summary>All but the newest checkpoints were deleted.</summary>
    public sealed record CheckpointsPruned(int Keep) : RunEvent;

    /// <summary>Training continues, unless it was the last checkpoint: then the run fails.</summary>
    public sealed record CheckpointFailed(StepNumber Step, string Why) : RunEvent
    {
        /// <inheritdoc cref="CheckpointWritten.StallSeconds"/>
        public double? StallSeconds { get; init; }
    }

    /// <summary>A checkpoint has a copy in the second place.</summary>
    /// <param name="Bytes">That were copied: shards that were there before were not.</param>
    public sealed record CheckpointMirrored(StepNumber Step, string Directory, long Bytes, double Seconds) : RunEvent;

    /// <summary>The run is over and waits for the last copy.</summary>
    /// <param name="Done">Bytes copied.</param>
    /// <param name="Total">Bytes to copy; 0: not known yet.</param>
    public sealed record MirrorAwaited(StepNumber Step, long Done, long Total) : RunEvent;

    /// <summary>An alarm: checkpoints or their copies cannot be written; training goes on. Once until <see cref="StorageRecovered"/>.</summary>
    /// <param name="Place">The directory.</param>
    /// <param name="Text">What is wrong and what to do.</param>
    public sealed record StorageFailing(string Place, string Text) : RunEvent;

    public sealed record StorageRecovered(string Place, string Text) : RunEvent;

    /// <summary>The checkpoint of a step will be scored.</summary>
    /// <param name="Items">Of all benchmarks.</param>
    public sealed record EvaluationDue(StepNumber Step, IReadOnlyList<string> Benchmarks, int Items) : RunEvent;

    /// <summary>Earlier sessions of the run have left evaluation undone.</summary>
    /// <param name="Left">Items that are to be scored yet.</param>
    /// <param name="Total">Items of all that was planned.</param>
    public sealed record EvaluationResumed(int Left, int Total) : RunEvent;

    /// <param name="Done">Items that are scored, durably.</param>
    /// <param name="Total">Items of all that was planned so far.</param>
    public sealed record EvaluationProgressed(int Done, int Total) : RunEvent;

    /// <summary>The checkpoint of a step is scored on a benchmark.</summary>
    /// <param name="Score">In the benchmark's unit.</param>
    /// <param name="Text">The score for a person.</param>
    /// <param name="IsBest">The best checkpoint so far, by the recipe's metric, which is this benchmark.</param>
    public sealed record Evaluated(StepNumber Step, string Benchmark, double Score, string Text, int Items, bool IsBest) : RunEvent;

    /// <summary>The checkpoint of a step cannot be scored on a benchmark; the run goes on.</summary>
    public sealed record EvaluationFailed(StepNumber Step, string Benchmark, string Why) : RunEvent;

    /// <summary>An evaluator has failed or is gone; what it was at goes to another.</summary>
    public sealed record EvaluatorLost(string Evaluator, string Why) : RunEvent;

    /// <summary>The run has made its last step and waits for the evaluation of its checkpoints.</summary>
    /// <param name="Left">Items that are to be scored yet.</param>
    /// <param name="Evaluators">Evaluators that are there.</param>
    public sealed record EvaluationAwaited(int Left, int Evaluators) : RunEvent;

    /// <summary>The run will end after the current step and its checkpoint.</summary>
    public sealed record StopRequested : RunEvent;

    /// <summary>The last event of a run.</summary>
    /// <param name="Step">Steps applied to the parameters.</param>
    /// <param name="ParametersSha256">Hash after the last step; null: the run failed, or made no step.</param>
    /// <param name="StoppedBy">The signal or request that stopped the run; null: none, or unknown.</param>
    public sealed record Finished(StepNumber Step, RunEnd End, string? ParametersSha256, string? Error, string? StoppedBy) : RunEvent;
}
