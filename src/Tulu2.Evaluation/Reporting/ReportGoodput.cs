using Tulu2.Protocol.Accounts;

namespace Tulu2.Evaluation.Reporting;

/// <summary>Where the time of a training stage's ranks went, in classes, and what each recovery from a loss took.</summary>
/// <param name="Stage">Name of the stage.</param>
/// <param name="Ranks">By rank.</param>
/// <param name="Recoveries">In order.</param>
public sealed record ReportGoodput(string Stage, IReadOnlyList<ClassTimes> Ranks, IReadOnlyList<ReportRecovery> Recoveries)
{
    /// <summary>Of all ranks.</summary>
    public ClassTimes Sum => Ranks.Aggregate(default(ClassTimes), (sum, rank) => sum + rank);
}

/// <summary>The parts of one recovery, in milliseconds; they follow one another.</summary>
/// <param name="What">What was lost: <c>rank 3</c>.</param>
/// <param name="Step">The next step that was committed; 0: the reference pass went on.</param>
/// <param name="Commit">From there to that commit.</param>
/// <param name="Redone">Of that, slots that were computed again.</param>
public sealed record ReportRecovery(
    string What, int Step, double Detect, double Start, double Decide, double Rejoin, double Transfer, double Commit, double Redone)
{
    public double Total => Detect + Start + Decide + Rejoin + Transfer;
}
