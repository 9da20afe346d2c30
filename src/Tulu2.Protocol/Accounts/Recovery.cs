using Tulu2.Protocol.Ids;

namespace Tulu2.Protocol.Accounts;

/// <summary>
/// The loss of a rank, or of the supervisor, until the next committed step, in microseconds. The parts follow one another: from the worker's end to the end of
/// <paramref name="Transfer"/> is their sum, and the next commit comes <paramref name="Step"/> later.
/// </summary>
/// <param name="Rank">Null: it was the supervisor that was lost.</param>
/// <param name="Generation">The one that went on.</param>
/// <param name="Detect">From the worker's end, as far as it is known, until the supervisor knew.</param>
/// <param name="Start">Until the last worker that came in the place of a lost one was there; 0: the run went on without.</param>
/// <param name="Decide">Until the generation was opened.</param>
/// <param name="Rejoin">Until all ranks had joined it.</param>
/// <param name="Transfer">Until the last rank had its state.</param>
/// <param name="Step">From there to the next commit.</param>
/// <param name="Redone">In <paramref name="Step"/>: the longest time of a rank for slots that were under way or done when the worker ended.</param>
public sealed record Recovery(
    Rank? Rank, Generation Generation, StepNumber Commit, long Detect, long Start, long Decide, long Rejoin, long Transfer, long Step, long Redone)
{
    /// <summary>From the end of the worker until its rank's work goes on.</summary>
    public long Total => Detect + Start + Decide + Rejoin + Transfer;

    /// <summary>From the end of the worker to the next commit.</summary>
    public long ToCommit => Total + Step;
}
