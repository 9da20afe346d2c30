using Tulu2.Collectives;
using Tulu2.Collectives.Layout;
using Tulu2.Data.Slots;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;

namespace Tulu2.Protocol.WorkQueues;

/// <summary>
/// Which slots a rank's worker should be fed next: those of the step being made, then its replica's range of the steps after it, with a limited number
/// (the credits) asked for and not yet computed. Not thread-safe; no clock, no disk.
/// </summary>
/// <param name="layout">Of the run, with any number of replicas.</param>
/// <param name="lastStep">Slots of later steps are not asked for.</param>
public sealed class FeedWindow(ParallelLayout layout, int slots, StepNumber lastStep, int credits)
{
    /// <param name="layout">Of the run, with any number of replicas.</param>
    /// <param name="credits">
    /// At least; in a pipeline there are more. 1F1B has a slot in flight for every stage before the first one is done, so with fewer credits than stages the first
    /// stage would wait for a batch, and the last one for it. A run whose ranks need all batches of a step before its first slot is done (<see
    /// cref="IBatchPlan.NeedsWholeStep"/>) has a credit for each: after a failure one replica may have to compute them all.
    /// </param>
    public static FeedWindow Of(ParallelLayout layout, IBatchPlan batches, StepNumber lastStep, int credits) => new(
        layout, batches.SlotsPerStep, lastStep,
        Math.Max(Math.Max(credits, layout.Pipeline + 1), batches.NeedsWholeStep ? batches.SlotsPerStep : 0));

    private readonly Queue<(StepNumber Step, SlotNumber Slot)> _coming = new();
    private readonly HashSet<(StepNumber Step, SlotNumber Slot)> _ahead = [];
    private StepNumber _lastStep = lastStep;
    private StepNumber _nextStep = new(int.MaxValue);
    private (int Replica, int Replicas) _share = (0, 1);

    /// <summary>The rank takes part in a generation: from its replica's place in it follow the slots of the steps after the first.</summary>
    public void Join(WorkerCommand.JoinGeneration join)
    {
        var roster = new Roster(layout, join.Ranks);
        _share = (roster.ReplicaOf(join.Rank), roster.Layout.Data);
    }

    /// <summary>A step is begun anew: whatever was asked for before does not count.</summary>
    public IReadOnlyList<(StepNumber Step, SlotNumber Slot)> Begin(WorkerCommand.Begin begin)
    {
        _coming.Clear();
        _ahead.Clear();
        foreach (var range in begin.Compute) Enqueue(begin.Step, range);
        _nextStep = begin.Step.Next();
        return [.. Checked(begin.Step, begin.Check), .. Ask()];
    }

    /// <summary>A step is committed: the next one may have a slot that this rank computes once more.</summary>
    public IReadOnlyList<(StepNumber Step, SlotNumber Slot)> Commit(WorkerCommand.Commit commit) => [.. Checked(commit.Step.Next(), commit.CheckNext)];

    // Beside the credits: it is not reported as done.
    private IEnumerable<(StepNumber Step, SlotNumber Slot)> Checked(StepNumber step, SlotCheck? check) =>
        check is not null && check.Replicas.Contains(_share.Replica) ? [(step, check.Slot)] : [];

    /// <summary>The worker is done with a slot.</summary>
    public IReadOnlyList<(StepNumber Step, SlotNumber Slot)> Done(StepNumber step, SlotNumber slot)
    {
        _ahead.Remove((step, slot));
        return Ask();
    }

    /// <summary>Slots of the steps up to this one may be asked for from now on.</summary>
    public IReadOnlyList<(StepNumber Step, SlotNumber Slot)> Extend(StepNumber lastStep)
    {
        _lastStep = lastStep;
        return Ask();
    }

    private List<(StepNumber Step, SlotNumber Slot)> Ask()
    {
        var asked = new List<(StepNumber, SlotNumber)>();
        while (_ahead.Count < credits && TryNext() is { } next)
        {
            _ahead.Add(next);
            asked.Add(next);
        }
        return asked;
    }

    private (StepNumber Step, SlotNumber Slot)? TryNext()
    {
        if (_coming.Count == 0 && _nextStep <= _lastStep && SlotAssignment.Range(slots, _share.Replicas, _share.Replica) is { } range)
        {
            Enqueue(_nextStep, range);
            _nextStep = _nextStep.Next();
        }
        return _coming.TryPeek(out var next) && next.Step <= _lastStep ? _coming.Dequeue() : null;
    }

    private void Enqueue(StepNumber step, SlotRange range)
    {
        foreach (var slot in SlotNumber.In(range)) _coming.Enqueue((step, slot));
    }
}
