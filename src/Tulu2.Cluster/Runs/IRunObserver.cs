using Tulu2.Protocol.Outcomes;
using Tulu2.Protocol.Workers;

namespace Tulu2.Cluster.Runs;

/// <summary>
/// Hears of everything that happens in a run. Called in order, one call at a time, on a thread that nothing else waits for; all calls have returned
/// when <see cref="RunHost.RunAsync"/> completes. An exception thrown here ends the run with that cause.
/// </summary>
public interface IRunObserver
{
    void PhaseChanged(RunPhase phase);

    /// <summary>Chunks of the reference pass, of which those found in the cache count as done.</summary>
    void ReferenceProgress(int done, int total);

    void StepCommitted(CommittedStep step);

    void CheckpointWritten(int step, string manifestPath, double seconds);

    /// <summary>Training goes on, unless it was the last checkpoint, when the run fails.</summary>
    void CheckpointFailed(int step, string error);

    void RankRestarted(int rank, string reason);

    /// <summary>The nodes of the cluster have too few places for the run's ranks; it waits for more.</summary>
    void WaitingForPlaces(int missing) { }

    void RanksPlaced(string node, IReadOnlyList<int> ranks) { }

    /// <summary>Before the first phase: entries of the run's ledger are lost.</summary>
    void HistoryLost(string what) { }

    /// <summary>Before the first phase, and before the ledger knows: the recipe was changed. What was made after that step is void where bits depend on the change.</summary>
    void RecipeChanged(PlannedChange change, bool decidesBits) { }
}

/// <param name="Step">From 1.</param>
/// <param name="Replayed">The ledger had this step already: it was committed, then lost with all replicas, and is now done again with the same bits.</param>
/// <param name="Seconds">Since the previous commit.</param>
/// <param name="TokensPerSecond">Real tokens of the step over <paramref name="Seconds"/>.</param>
/// <param name="TimesPerRank">The index is the rank.</param>
public sealed record CommittedStep(
    int Step, bool Replayed, StepMetrics Metrics, string GradientHash, double Seconds, double TokensPerSecond, IReadOnlyList<StepTimes> TimesPerRank);
