using System.Text.Json.Serialization;
using Tulu2.Collectives;
using Tulu2.Data.Slots;
using Tulu2.Protocol.Accounts;
using Tulu2.Protocol.Workers;

namespace Tulu2.Cluster.Ledger;

/// <summary>What a run must not forget. The log keeps them in order.</summary>
public abstract record LedgerEvent
{
    private LedgerEvent() { }

    /// <param name="Step">Steps applied before.</param>
    public sealed record RunStarted(string RecipeHash, int VirtualShards, int Ranks, int Slots, int TotalSteps, int Step) : LedgerEvent
    {
        /// <summary>Host, versions and the like, for people; null in logs of older versions.</summary>
        public IReadOnlyDictionary<string, string>? Facts { get; init; }

        /// <summary>How an epoch passes the rows (or pairs); null in logs of older versions.</summary>
        [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
        public EpochFacts? Epoch { get; init; }
    }

    /// <param name="Manifest">Path of the manifest that the state came from; null: the recipe's weights again.</param>
    public sealed record RunResumed(string RecipeHash, int VirtualShards, int Ranks, int Slots, int TotalSteps, int Step, string? Manifest) : LedgerEvent
    {
        /// <inheritdoc cref="RunStarted.Facts"/>
        public IReadOnlyDictionary<string, string>? Facts { get; init; }

        /// <inheritdoc cref="RunStarted.Epoch"/>
        [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
        public EpochFacts? Epoch { get; init; }
    }

    /// <summary>Entries of the log are lost. What the resume knew in their place.</summary>
    /// <param name="From">First of the steps that were committed and whose entries are lost; greater than <paramref name="To"/>: there is none that is known of.</param>
    /// <param name="To">Last of them, which the manifest has.</param>
    /// <param name="Manifest">What proves that they were made; null where none are known.</param>
    /// <param name="Why">How the loss was found.</param>
    /// <param name="SetAside">Where the damaged file is; null: the end of the log was missing, and nothing of it is left.</param>
    public sealed record HistoryLost(int From, int To, string? Manifest, string Why, string? SetAside) : LedgerEvent
    {
        public string Text =>
            $"history lost: {Why}; {(From > To ? "no step is known to be missing" : $"{Steps} known from {Manifest} only")}{(SetAside is null ? "" : $"; the damaged file is {SetAside}")}";

        private string Steps => From == To ? $"step {To} is" : $"steps {From} to {To} are";
    }

    /// <summary>The recipe was changed in the middle of the run.</summary>
    /// <param name="After">Steps after this one are made by the changed recipe, also those that had been made before.</param>
    /// <param name="Keys">What was changed, one text each: <c>optimizer.learning_rate 2e-05 -> 1e-05</c>.</param>
    /// <param name="RecipeHash">From now on. The same as before: nothing was changed that decides bits.</param>
    public sealed record RecipeChanged(int After, IReadOnlyList<string> Keys, string RecipeHash) : LedgerEvent;

    public sealed record GenerationOpened(long Generation, string Why, int Ranks) : LedgerEvent;

    /// <summary>A step is decided.</summary>
    /// <param name="Shares">Which rank gave which slots, and where its time went.</param>
    public sealed record StepCommitted(
        long Generation, int Step, double Loss, double GradientNorm, string GradientHash, long Tokens, double Seconds,
            IReadOnlyList<LedgerShare> Shares) : LedgerEvent
    {
        public double LearningRate { get; init; }

        public long LossTokens { get; init; }

        /// <summary>Why the step changed nothing: it is not finite. Null: it was applied.</summary>
        [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
        public string? Skipped { get; init; }

        /// <summary>The slots that are at fault; null where the step was applied.</summary>
        [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
        public IReadOnlyList<int>? SkippedSlots { get; init; }

        /// <summary>The slots that were left out; null: none.</summary>
        [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
        public IReadOnlyList<int>? LeftOut { get; init; }

        /// <summary>The slot that was computed twice, with the same result; null: none.</summary>
        [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
        public int? Checked { get; init; }

        /// <summary>By slot: the numbers of its rows (or pairs), those of slots that are left out too; null in logs of older versions.</summary>
        [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
        public IReadOnlyList<IReadOnlyList<int>>? Samples { get; init; }

        /// <summary>The objective's own metrics by name, in their order; null in logs of older versions, which do not have the two above either.</summary>
        public IReadOnlyDictionary<string, double>? More { get; init; }

        /// <summary>All that the step measured; null in logs of older versions.</summary>
        public StepMetrics? Metrics() => More is null ? null
            : new(Loss, GradientNorm, LearningRate, Tokens, LossTokens, [.. More.Select(value => new NamedValue(value.Key, value.Value))]);
    }

    /// <summary>The parameters of a committed step were measured on the validation data.</summary>
    /// <param name="Values">By name.</param>
    /// <param name="Best">The best so far.</param>
    /// <param name="Stops">The run ends here: its patience is at its end.</param>
    public sealed record Validated(int Step, IReadOnlyDictionary<string, double> Values, bool Best, bool Stops) : LedgerEvent;

    public sealed record RankFailed(int Rank, string Why) : LedgerEvent;

    /// <summary>The run goes on after a loss. Times in milliseconds; the parts follow one another (docs/goodput.md).</summary>
    /// <param name="Rank">Null: it was the coordinator that was lost.</param>
    /// <param name="Step">The first step that was committed since; 0: the reference pass went on.</param>
    /// <param name="Redone">In <paramref name="Commit"/>: the time of the slots that were computed again, that of the rank that had most.</param>
    public sealed record Recovered(
        int? Rank, long Generation, int Step, double Detect, double Start, double Decide, double Rejoin, double Transfer, double Commit, double Redone) : LedgerEvent
    {
        /// <summary>From the worker's end until its work goes on.</summary>
        [JsonIgnore]
        public double Total => Detect + Start + Decide + Rejoin + Transfer;

        public static Recovered Of(Recovery recovery) => new(
            recovery.Rank?.Value, recovery.Generation, recovery.Commit, recovery.Detect / PerMilli, recovery.Start / PerMilli, recovery.Decide / PerMilli,
            recovery.Rejoin / PerMilli, recovery.Transfer / PerMilli, recovery.Step / PerMilli, recovery.Redone / PerMilli);

        private const double PerMilli = 1000;
    }

    /// <summary>Where the ranks' time went since the run began, in microseconds, by rank. Of each rank the classes sum to the time that the run had it.</summary>
    /// <param name="Elapsed">Of the run, over all its sessions.</param>
    public sealed record TimeAccounted(
        long Elapsed, IReadOnlyList<long> Useful, IReadOnlyList<long> Redo, IReadOnlyList<long> Detect, IReadOnlyList<long> Restore,
            IReadOnlyList<long> CheckpointStall, IReadOnlyList<long> Wait, IReadOnlyList<long> Idle) : LedgerEvent
    {
        /// <summary>Every class has a time for every rank.</summary>
        [JsonIgnore]
        public bool IsWhole => new[] { Redo, Detect, Restore, CheckpointStall, Wait, Idle }.All(times => times.Count == Useful.Count);

        public static TimeAccounted Of(AccountedTimes times)
        {
            long[] All(Func<ClassTimes, long> of) => [.. times.Ranks.Select(of)];
            return new(times.Elapsed, All(t => t.Useful), All(t => t.Redo), All(t => t.Detect), All(t => t.Restore), All(t => t.CheckpointStall), All(t => t.Wait), All(t => t.Idle));
        }

        public AccountedTimes Times() => !IsWhole ? AccountedTimes.None : new(
            Elapsed, [.. Useful.Select((_, i) => new ClassTimes(Useful[i], Redo[i], Detect[i], Restore[i], CheckpointStall[i], Wait[i], Idle[i]))]);
    }

    /// <summary>A slot is left out of its step from here on.</summary>
    /// <param name="Rows">The rows that it has, for people.</param>
    /// <param name="Why">How the workers ended that computed it.</param>
    public sealed record SlotQuarantined(int Step, int Slot, string Rows, string Why) : LedgerEvent;

    /// <summary>What was made after step <paramref name="To"/> is void; the steps up to <paramref name="Through"/> are passed over, and change nothing.</summary>
    public sealed record RolledBack(long Generation, int To, int Through, string Why) : LedgerEvent;

    public sealed record CheckpointWritten(int Step, string Manifest) : LedgerEvent
    {
        /// <summary>Time that the step waited for the copy of its state in memory, that of the slowest rank; null in logs of older versions.</summary>
        public double? StallSeconds { get; init; }
    }

    public sealed record CheckpointFailed(int Step, string Why) : LedgerEvent
    {
        /// <inheritdoc cref="CheckpointWritten.StallSeconds"/>
        public double? StallSeconds { get; init; }
    }

    /// <summary>All but the newest checkpoints were deleted.</summary>
    public sealed record CheckpointsPruned(int Keep) : LedgerEvent;

    public sealed record EvaluationDone(string Task, int Attempt, int Items, double Score) : LedgerEvent;

    public sealed record RunFinished(int Step, string End, string? ParametersSha256, string? Error) : LedgerEvent
    {
        /// <summary>What asked the run to stop, such as a signal; null: nothing did, or it is not known.</summary>
        public string? StoppedBy { get; init; }
    }
}

/// <summary>One rank's part of a committed step.</summary>
/// <param name="SlotSeconds">For each slot of <paramref name="Slots"/> in order; 0 where its time was lost with an older generation.</param>
public sealed record LedgerShare(int Rank, IReadOnlyList<SlotRange> Slots, IReadOnlyList<double> SlotSeconds, StepTimes Times);

/// <param name="Number">From 1, unbroken.</param>
/// <param name="Time">UTC; for people only.</param>
public sealed record LedgerEntry(long Number, DateTimeOffset Time, LedgerEvent Event);
