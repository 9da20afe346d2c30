using Tulu2.Protocol.Outcomes;

namespace Tulu2.Cluster.Runs;

/// <summary>Something that happened in a run. Plain data: it can cross processes, and who hears of it can change nothing by it.</summary>
public abstract record RunEvent
{
    private RunEvent() { }

    public sealed record PhaseChanged(RunPhase Phase) : RunEvent;

    /// <summary>Chunks of the reference pass; those found in the cache count as done.</summary>
    public sealed record ReferenceProgressed(int Done, int Total) : RunEvent;

    public sealed record StepCommitted(CommittedStep Step) : RunEvent;

    /// <param name="Manifest">Path of the manifest.</param>
    /// <param name="Seconds">Time that the checkpoint took.</param>
    public sealed record CheckpointWritten(int Step, string Manifest, double Seconds) : RunEvent;

    /// <summary>Training goes on, unless it was the last checkpoint, when the run fails.</summary>
    public sealed record CheckpointFailed(int Step, string Why) : RunEvent;

    /// <summary>The worker of a rank is gone; another one is started.</summary>
    public sealed record RankLost(int Rank, string Why) : RunEvent;

    public sealed record RanksPlaced(string Node, IReadOnlyList<int> Ranks) : RunEvent;

    /// <summary>The nodes of the cluster have too few places for the run's ranks; it waits for more.</summary>
    /// <param name="Missing">Number of places.</param>
    public sealed record WaitingForPlaces(int Missing) : RunEvent;

    /// <summary>Before the first phase: entries of the run's ledger are lost.</summary>
    public sealed record HistoryLost(string Text) : RunEvent;

    /// <summary>Before the first phase, and before the ledger knows. Steps made after <paramref name="After"/> are void where bits depend on the change.</summary>
    /// <param name="Keys">What was changed, one text each.</param>
    public sealed record RecipeChanged(int After, IReadOnlyList<string> Keys, bool DecidesBits) : RunEvent;
}
