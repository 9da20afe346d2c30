using Tulu2.Protocol.Ids;

namespace Tulu2.Protocol.Checkpointing;

/// <summary>
/// Whether checkpoints can be written, as far as is known: an alarm is raised with the first that cannot, and cleared by the next that is written. Meanwhile the storage is
/// tried with a small file, and a checkpoint is due as soon as it takes one again. Immutable.
/// </summary>
public sealed record StorageWatch
{
    // A checkpoint that fails although the storage took the small file costs each rank a copy of its state: such tries become rarer.
    private const int MostDoublings = 6;

    /// <summary>Time from a failure to the first try.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(10);

    public bool IsFailing { get; private init; }

    private int Missed { get; init; }
    private int Tries { get; init; }

    /// <summary>A checkpoint could not be written, for a reason that is the storage's.</summary>
    /// <returns>The time until the storage is to be tried; and whether an alarm is to be raised.</returns>
    public (StorageWatch Next, bool Raises, TimeSpan TryIn) Fail() =>
        (this with { IsFailing = true, Missed = Missed + 1 }, !IsFailing, Interval * (1 << Math.Min(Tries, MostDoublings)));

    /// <summary>A checkpoint was written.</summary>
    /// <returns>Text with which the alarm is cleared; null: there is none.</returns>
    public (StorageWatch Next, string? Cleared) Write(StepNumber step) => (
        new StorageWatch { Interval = Interval },
        IsFailing ? $"caught up: the checkpoint of step {step} is written, after {Missed} that {(Missed == 1 ? "was" : "were")} not" : null);

    /// <summary>The storage took the small file, or did not.</summary>
    /// <returns>Whether a checkpoint is due; if not, the time until the next try, null where none is needed.</returns>
    public (StorageWatch Next, bool IsDue, TimeSpan? TryIn) Tried(bool took) => !IsFailing ? (this, false, null)
        : took ? (this with { Tries = Tries + 1 }, true, null)
        : (this, false, Interval);
}
