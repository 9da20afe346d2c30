using Tulu2.Protocol.Ids;

namespace Tulu2.Protocol.GradientSync;

/// <summary>Snapshots: at most one is in flight.</summary>
public abstract record SnapshotStatus
{
    private SnapshotStatus() { }

    public sealed record None : SnapshotStatus;

    /// <summary>The next commit takes one.</summary>
    public sealed record Due : SnapshotStatus;

    /// <summary>The ranks were told to take one and it is neither a checkpoint yet nor given up.</summary>
    /// <param name="AnotherDue">One fell due meanwhile.</param>
    public sealed record InFlight(StepNumber Step, TimeSpan Began, bool AnotherDue = false) : SnapshotStatus
    {
        /// <summary>It is given up, and is to be taken again when that is settled.</summary>
        public bool IsAbandoned { get; init; }
    }

    /// <summary>What a commit makes of it.</summary>
    /// <param name="due">The step's place in the run asks for a snapshot.</param>
    internal SnapshotStatus AtCommit(StepNumber step, bool due, TimeSpan now) => this switch
    {
        InFlight flight => flight with { AnotherDue = flight.AnotherDue || due },
        Due => new InFlight(step, now),
        _ => due ? new InFlight(step, now) : this,
    };

    internal static SnapshotStatus After(bool due) => due ? new Due() : new None();
}
