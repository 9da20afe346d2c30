using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;

namespace Tulu2.Protocol.GradientSync;

/// <summary>What the supervisor of the gradient sync hears. Times are those of its own monotonic clock.</summary>
public abstract record SyncCommand(TimeSpan Now)
{
    /// <summary>A rank has a new worker. May be repeated.</summary>
    /// <param name="Incarnation">Grows with each worker of the rank.</param>
    /// <param name="Endpoint">Where its data plane is reached.</param>
    public sealed record RankUp(Rank Rank, Incarnation Incarnation, string Endpoint, TimeSpan Now) : SyncCommand(Now)
    {
        /// <summary>The node that it runs on.</summary>
        public string Node { get; init; } = "";
    }

    /// <summary>That worker is gone.</summary>
    public sealed record RankLost(Rank Rank, Incarnation Incarnation, string Why, TimeSpan Now) : SyncCommand(Now)
    {
        /// <summary>Memory had run out.</summary>
        public bool OfMemory { get; init; }

        /// <summary>How long before this the worker ended, as far as its node knows; null: it does not.</summary>
        public TimeSpan? Ago { get; init; }
    }

    /// <summary>That worker is about to go: it has been told to, and does so at the end of the step under way.</summary>
    /// <param name="Stays">The rank stays where it is, with another worker; else its node goes.</param>
    public sealed record RankLeaves(Rank Rank, Incarnation Incarnation, string Why, bool Stays, TimeSpan Now) : SyncCommand(Now);

    /// <summary>The run is to have this many replicas from the next commit on; those that are new as soon as they have workers.</summary>
    /// <param name="Data">A multiple of the ZeRO degree.</param>
    public sealed record Scale(int Data, TimeSpan Now) : SyncCommand(Now);

    /// <summary>A worker said something about the step: Joined, SlotBegun, SlotDone, StepReady or Applied.</summary>
    public sealed record Reported(WorkerReport Report, TimeSpan Now) : SyncCommand(Now);

    /// <summary>A rank has scored a chunk, of the reference pass or of a validation.</summary>
    public sealed record Scored(Rank Rank, TimeSpan Now) : SyncCommand(Now);

    /// <summary>The reference pass is complete.</summary>
    public sealed record ReferenceDone(TimeSpan Now) : SyncCommand(Now);

    /// <summary>Every chunk of a step's validation is scored.</summary>
    /// <param name="Value">Of the metric by which validations are compared.</param>
    public sealed record Validated(StepNumber Step, double Value, TimeSpan Now) : SyncCommand(Now);

    /// <summary>The snapshot of a step is now a checkpoint, or never will be.</summary>
    /// <param name="ManifestPath">Null: it failed.</param>
    /// <param name="Lost">It failed since a rank was lost, so it is worth another try.</param>
    public sealed record SnapshotSettled(StepNumber Step, string? ManifestPath, string? Error, bool Lost, TimeSpan Now) : SyncCommand(Now);

    /// <summary>No checkpoint has a step that is to be undone any more.</summary>
    /// <param name="Newest">Of those that are left; null: there is none.</param>
    public sealed record RolledBack(KnownManifest? Newest, TimeSpan Now) : SyncCommand(Now);

    /// <summary>The storage takes files again, after a checkpoint that could not be written: the next commit takes another.</summary>
    public sealed record SnapshotDue(TimeSpan Now) : SyncCommand(Now);

    /// <summary>Finish the running step, take a checkpoint, and end.</summary>
    public sealed record Stop(TimeSpan Now) : SyncCommand(Now);

    /// <summary>This process was stopped for a while itself (Ctrl-Z, a suspended machine); what the ranks said meanwhile is still to be heard.</summary>
    public sealed record Slept(TimeSpan Now) : SyncCommand(Now);

    /// <summary>Time has passed.</summary>
    public sealed record Tick(TimeSpan Now) : SyncCommand(Now);
}
