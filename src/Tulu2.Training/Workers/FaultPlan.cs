namespace Tulu2.Training.Workers;

/// <summary>A fault that a <see cref="FaultPlan"/> brought about.</summary>
public sealed class InjectedFaultException(string where) : Exception($"injected fault: {where}");

/// <summary>
/// Faults that a test brings about in workers, each once: <c>new FaultPlan().FailAt(rank: 1, step: 3, slot: 5).FailBeforeApply(rank: 0, step: 4)</c>.
/// Safe to share between workers.
/// </summary>
public sealed class FaultPlan
{
    private readonly HashSet<(Point Point, int Rank, int Step, int Slot)> _pending = [];

    private enum Point { Slot, Piece, Reduce, Ready, Apply, Applied }

    /// <summary>Faults that have not come about yet.</summary>
    public int Pending
    {
        get { lock (_pending) return _pending.Count; }
    }

    /// <summary>The rank dies while it computes this slot.</summary>
    public FaultPlan FailAt(int rank, int step, int slot) => With(Point.Slot, rank, step, slot);

    /// <summary>The rank dies before it gives a piece of its gradient to the others, which may be in the middle of its last slot's backward pass.</summary>
    public FaultPlan FailBeforePiece(int rank, int step, int piece) => With(Point.Piece, rank, step, piece);

    /// <summary>The rank dies with all its slots computed, before it has met all of the others.</summary>
    public FaultPlan FailBeforeReduce(int rank, int step) => With(Point.Reduce, rank, step);

    /// <summary>The rank dies with the reduced gradient in hand, before it says that it is ready.</summary>
    public FaultPlan FailBeforeReady(int rank, int step) => With(Point.Ready, rank, step);

    /// <summary>The rank dies on a commit, before it has applied it.</summary>
    public FaultPlan FailBeforeApply(int rank, int step) => With(Point.Apply, rank, step);

    /// <summary>The rank dies after it has applied a commit, before it says so.</summary>
    public FaultPlan FailBeforeApplied(int rank, int step) => With(Point.Applied, rank, step);

    internal void AtSlot(int rank, int step, int slot) => Reach(Point.Slot, rank, step, slot);

    internal void AtPiece(int rank, int step, int piece) => Reach(Point.Piece, rank, step, piece);

    internal void AtReduce(int rank, int step) => Reach(Point.Reduce, rank, step);

    internal void AtReady(int rank, int step) => Reach(Point.Ready, rank, step);

    internal void AtApply(int rank, int step) => Reach(Point.Apply, rank, step);

    internal void AtApplied(int rank, int step) => Reach(Point.Applied, rank, step);

    private FaultPlan With(Point point, int rank, int step, int slot = -1)
    {
        lock (_pending) _pending.Add((point, rank, step, slot));
        return this;
    }

    private void Reach(Point point, int rank, int step, int slot = -1)
    {
        lock (_pending)
            if (!_pending.Remove((point, rank, step, slot))) return;
        throw new InjectedFaultException($"rank {rank} step {step}{(slot < 0 ? "" : $" slot {slot}")} {point.ToString().ToLowerInvariant()}");
    }
}
