using Tulu2.Protocol.Ids;

namespace Tulu2.Protocol.GradientSync;

/// <summary>What a run is at, with what is known in that phase only.</summary>
public abstract record SyncPhase
{
    private SyncPhase() { }

    /// <summary>Waiting until every rank has a worker.</summary>
    /// <param name="Why">What made the next generation necessary.</param>
    public sealed record Gathering(TimeSpan Since, string Why) : SyncPhase;

    /// <summary>Waiting until every worker has joined the generation.</summary>
    public sealed record Joining : SyncPhase;

    /// <summary>The reference pass is under way.</summary>
    public sealed record Scoring : SyncPhase;

    /// <summary>A step is made.</summary>
    /// <param name="Step">From 1.</param>
    /// <param name="AllReady">When every rank was ready to commit; the last step waits for a snapshot in flight after that. Null before.</param>
    public sealed record Running(StepNumber Step, TimeSpan Began, StepEntry Entry, TimeSpan? AllReady = null) : SyncPhase;

    /// <summary>A step is committed and its validation is under way; no rank computes the next step.</summary>
    public sealed record Validating(StepNumber Step, StepEntry Entry) : SyncPhase;

    /// <summary>A step is committed, and the ranks are others from now on: all come to it first, so that nothing is under way that would be lost.</summary>
    public sealed record Changing(StepNumber Step) : SyncPhase;

    /// <summary>A step is validated, and its checkpoint is awaited before the run goes on or ends.</summary>
    public sealed record Keeping(StepNumber Step) : SyncPhase;

    /// <summary>A step is at fault: the checkpoints after <paramref name="To"/> are discarded, then the run goes on from what is left.</summary>
    /// <param name="Through">That step.</param>
    public sealed record RollingBack(StepNumber To, StepNumber Through, string Why) : SyncPhase;

    /// <summary>The last commit is decided; applying it and its checkpoint are awaited.</summary>
    public sealed record Finishing : SyncPhase;

    /// <summary>Finished or failed; nothing has an effect any more.</summary>
    public sealed record Over : SyncPhase;
}

/// <summary>How the ranks came to the state that a step begins with.</summary>
public enum StepEntry
{
    /// <summary>A generation began, and all load a manifest or the recipe's weights.</summary>
    Loading,

    /// <summary>A generation began, and some get a twin's state.</summary>
    Copying,

    /// <summary>A generation began, and all had the state.</summary>
    Resuming,

    /// <summary>By the commit of the step before in the same generation.</summary>
    InStride,
}
