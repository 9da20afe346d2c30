using Tulu2.Protocol.Ids;

namespace Tulu2.Training.Workers;

/// <summary>A fault that a <see cref="FaultPlan"/> brought about.</summary>
public sealed class InjectedFaultException(string where) : Exception($"injected fault: {where}");

/// <summary>
/// Faults that a test brings about in workers, each once: <c>new FaultPlan().FailBeforeApply(new Rank(0), new StepNumber(4))</c>.
/// Safe to share between workers.
/// </summary>
public sealed class FaultPlan
{
    private readonly HashSet<(Point Point, Rank Rank, StepNumber Step, int? Place)> _pending = [];

    private enum Point { Slot, Piece, Reduce, Ready, Apply, Applied }

    /// <summary>Faults that have not come about yet.</summary>
    public int Pending
    {
        get { lock (_pending) return _pending.Count; }
    }

    /// <summary>The rank dies while it computes this slot.</summary>
    public FaultPlan FailAt(Rank rank, StepNumber step, SlotNumber slot) => With(Point.Slot, rank, step, slot);

    /// <summary>The rank dies before it gives a piece of its gradient to the others, which may be in the middle of its last slot's backward pass.</summary>
    public FaultPlan FailBeforePiece(Rank rank, StepNumber step, int piece) => With(Point.Piece, rank, step, piece);

    /// <summary>The rank dies with all its slots computed, before it has met all of the others.</summary>
    public FaultPlan FailBeforeReduce(Rank rank, StepNumber step) => With(Point.Reduce, rank, step);

    /// <summary>The rank dies with the reduced gradient in hand, before it says that it is ready.</summary>
    public FaultPlan FailBeforeReady(Rank rank, StepNumber step) => With(Point.Ready, rank, step);

    /// <summary>The rank dies on a commit, before it has applied it.</summary>
    public FaultPlan FailBeforeApply(Rank rank, StepNumber step) => With(Point.Apply, rank, step);

    /// <summary>The rank dies after it has applied a commit, before it says so.</summary>
    public FaultPlan FailBeforeApplied(Rank rank, StepNumber step) => With(Point.Applied, rank, step);

    internal void AtSlot(Rank rank, StepNumber step, SlotNumber slot) => Reach(Point.Slot, rank, step, slot);

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
