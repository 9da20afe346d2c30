namespace Tulu2.Protocol.Accounts;

/// <summary>What a moment of a rank was spent on (docs/goodput.md). Every moment belongs to one of them.</summary>
public enum TimeClass
{
    /// <summary>Computing, reducing and applying a step that is committed for the first time; validation and the reference pass.</summary>
    Useful,

    /// <summary>Work that was lost, or that is done again: slots whose gradients nobody holds any more, and steps that had been committed before.</summary>
    Redo,

    /// <summary>From the end of a rank's worker, as far as it is known, until the supervisor knew of it.</summary>
    Detect,

    /// <summary>From then until the rank has its state in a generation that computes.</summary>
    Restore,

    /// <summary>The step waits for the copy of the state in memory, or the run for a checkpoint to be written.</summary>
    CheckpointStall,

    /// <summary>The rank has its state, and waits for batches, other ranks or the supervisor.</summary>
    Wait,

    /// <summary>No work is placed on the rank: the run has not begun, or goes on without it.</summary>
    Idle,
}
