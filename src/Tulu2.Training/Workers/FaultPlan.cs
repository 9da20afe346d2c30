using Tulu2.Protocol.Ids;

namespace Tulu2.Training.Workers;

/// <summary>A fault that a <see cref="FaultPlan"/> injected.</summary>
public sealed class InjectedFaultException(string where) : Exception($"injected fault: {where}");

/// <summary>
/// Faults that a test injects into workers, each once: <c>new FaultPlan().FailAt(rank: 1, step: 3, slot: 5).FailBeforeApply(rank: 0, step: 4)</c>.
/// Thread-safe, so workers can share one plan.
/// </summary>
public sealed class FaultPlan
{
    private readonly HashSet<(Point Point, Rank Rank, StepNumber Step, int? Place)> _pending = [];

    private enum Point { Score, Slot, Piece, Reduce, Ready, Apply, Applied }

    /// <summary>Number of faults not injected yet.</summary>
    public int Pending
    {
        get { lock (_pending) return _pending.Count; }
    }

    /// <summary>The rank fails while it computes this slot.</summary>
    public FaultPlan FailAt(Rank rank, StepNumber step, SlotNumber slot) => With(Point.Slot, rank, step, slot);

    /// <summary>The rank fails before it scores the mismatched sequences of a slot, or before it exchanges what it has scored (<paramref name="slot"/> null).</summary>
    public FaultPlan FailBeforeScore(Rank rank, StepNumber step, SlotNumber? slot) => With(Point.Score, rank, step, slot is { } number ? (int)number : null);

    /// <summary>The rank fails before it reduces a piece of its gradient, which may be during its last slot's backward pass.</summary>
    public FaultPlan FailBeforePiece(Rank rank, StepNumber step, int piece) => With(Point.Piece, rank, step, piece);

    /// <summary>The rank fails after it has computed all of its slots, before the reduction completes.</summary>
    public FaultPlan FailBeforeReduce(Rank rank, StepNumber step) => With(Point.Reduce, rank, step);

    /// <summary>The rank fails after the reduction, before it reports that it is ready.</summary>
    public FaultPlan FailBeforeReady(Rank rank, StepNumber step) => With(Point.Ready, rank, step);

    /// <summary>The rank fails after it has received a commit, before it applies it.</summary>
    public FaultPlan FailBeforeApply(Rank rank, StepNumber step) => With(Point.Apply, rank, step);

    /// <summary>The rank fails after it has applied a commit, before it reports that.</summary>
    public FaultPlan FailBeforeApplied(Rank rank, StepNumber step) => With(Point.Applied, rank, step);

    internal void AtSlot(Rank rank, StepNumber step, SlotNumber slot) => Reach(Point.Slot, rank, step, slot);

    internal void AtScore(Rank rank, StepNumber step, int? slot) => Reach(Point.Score, rank, step, slot);

    internal void AtPiece(Rank rank, StepNumber step, int piece) => Reach(Point.Piece, rank, step, piece);

    internal void AtReduce(Rank rank, StepNumber step) => Reach(Point.Reduce, rank, step);

    internal void AtReady(Rank rank, StepNumber step) => Reach(Point.Ready, rank, step);

    internal void AtApply(Rank rank, StepNumber step) => Reach(Point.Apply, rank, step);

    internal void AtApplied(Rank rank, StepNumber step) => Reach(Point.Applied, rank, step);

    private FaultPlan With(Point point, Rank rank, StepNumber step, int? place = null)
    {
        lock (_pending) _pending.Add((point, rank, step, place));
        return this;
    }

    private void Reach(Point point, Rank rank, StepNumber step, int? place = null)
    {
        lock (_pending)
            if (!_pending.Remove((point, rank, step, place))) return;
        throw new InjectedFaultException($"rank {rank} step {step}{(place is null ? "" : $" slot {place}")} {point.ToString().ToLowerInvariant()}");
    }
}
