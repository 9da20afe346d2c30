using System.Diagnostics;
using Tulu2.Collectives;
using Tulu2.Data.Slots;
using Tulu2.Files;
using Tulu2.Training.Communication;
using Tulu2.Training.Optimization;
using Tulu2.Training.Slots;
using static TorchSharp.torch;

namespace Tulu2.Training.Steps;

/// <summary>
/// Runs a replica's slots through this rank's pipeline stage, one action at a time in the order of <see cref="PipelineSchedule"/>, and adds each gradient to
/// the
/// held ones after its backward pass. A rank exchanges its share of the rows with the rank of the same tensor index in the neighbouring stages. Slots in flight
/// are lost when the generation ends; held gradients stay.
/// </summary>
/// <param name="reduction">Receives the last slot's gradient while it is being computed; null: no overlap.</param>
/// <param name="checker">Sees each gradient; null: none does.</param>
internal sealed class SlotRunner(HeldGradients held, TimeSpan deadline, StepClock clock, StepReduction? reduction = null, SlotChecker? checker = null)
{
    private readonly Queue<Planned> _actions = new();
    private readonly Dictionary<int, Flight> _flights = [];

    /// <param name="Again">Its gradient is not added.</param>
    private readonly record struct Planned(int Slot, bool IsForward, bool Again);

    private sealed record Flight(SlotBatch Batch, ISlotPass Pass)
    {
        public TimeSpan Time { get; set; }
    }

    public bool IsDone => _actions.Count == 0;

    /// <summary>The slot whose batch the next action needs; null where it needs none.</summary>
    public int? Needs => _actions.TryPeek(out var next) && next.IsForward ? next.Slot : null;

    /// <summary>The slot of the next action; null: all is done.</summary>
    public int? Next => _actions.TryPeek(out var next) ? next.Slot : null;

    /// <summary>Plans the actions for some slots and discards unfinished ones.</summary>
    /// <param name="slots">Slots that the replica computes, ascending; the same on all of its ranks.</param>
    /// <param name="again">A slot that it computes before them, adding nothing, for <see cref="SlotChecker"/>; null: none.</param>
    public void Start(IReadOnlyList<int> slots, int stage, int stages, int? again = null)
    {
        Drop();
        if (again is { } once) Plan([once], isAgain: true);
        Plan(slots, isAgain: false);

        void Plan(IReadOnlyList<int> planned, bool isAgain)
        {
            foreach (var action in PipelineSchedule.Of(stage, stages, planned.Count)) _actions.Enqueue(new Planned(planned[action.Index], action.IsForward, isAgain));
        }
    }

    /// <summary>Discards unfinished actions and slots in flight.</summary>
    public void Drop()
    {
        _actions.Clear();
        foreach (var flight in _flights.Values) flight.Pass.Dispose();
        _flights.Clear();
    }

    /// <summary>Runs the next action.</summary>
    /// <param name="batch">Batch of the slot in <see cref="Needs"/>; null where that is null.</param>
    /// <returns>After the backward pass of a slot whose gradient is held now, the slot and its compute time on this rank; else null.</returns>
    public (int Slot, TimeSpan Time)? Advance(ISlotComputer computer, RankGroups groups, SlotBatch? batch)
    {
        var start = Stopwatch.GetTimestamp();
        var action = _actions.Dequeue();
        var slot = action.Slot;
        if (action.IsForward)
        {
            var pass = Forward(computer, groups, batch!, keep: true);
            _flights.Add(slot, new Flight(batch!, pass) { Time = Stopwatch.GetElapsedTime(start) });
            return null;
        }
        _flights.Remove(slot, out var flight);
        using (flight!.Pass) Backward(computer, groups, flight, action.Again);
        return action.Again ? null : (slot, flight.Time + Stopwatch.GetElapsedTime(start));
    }

    /// <summary>Runs a batch through the stages without a gradient.</summary>
    /// <param name="frozenOnly">Without the adapters, if the model has any.</param>
    /// <returns>On the last stage, the log-probability of each segment; elsewhere null.</returns>
    public float[]? Score(ISlotComputer computer, RankGroups groups, SlotBatch batch, bool frozenOnly)
    {
        using var pass = Forward(computer, groups, batch, keep: false, frozenOnly);
        return groups.Next is null ? pass.Score() : null;
    }

    private ISlotPass Forward(ISlotComputer computer, RankGroups groups, SlotBatch batch, bool keep, bool frozenOnly = false)
    {
        using var input_SD = groups.Previous is { } previous ? Received(computer, groups, previous, batch) : null;
        var pass = computer.Forward(batch, input_SD, keep, frozenOnly);
        try
        {
            if (groups.Next is { } next) Send(groups, next, pass.Output_SD);
            return pass;
        }
        catch
        {
            pass.Dispose();
            throw;
        }
    }

    private void Backward(ISlotComputer computer, RankGroups groups, Flight flight, bool again)
    {
        using var outputGradient_SD = groups.Next is { } next ? Received(computer, groups, next, flight.Batch) : null;
        // Only the reduction is left after the last slot, so it can overlap with this backward pass.
        var streams = IsDone && !again && reduction is not null && reduction.Streams(groups);
        var gradient = held.Rent();
        double[] figures;
        try
        {
            var ready = streams ? reduction!.Begin(groups, flight.Batch.Slot, gradient) : null;
            figures = flight.Pass.Backward(outputGradient_SD, gradient, ready);
            ready?.Invoke(0);
            checker?.Computed(flight.Batch.Slot, gradient, again);
        }
        catch (Exception fault)
        {
            try
            {
                // Peers are waiting in reductions that this rank will never join.
                if (streams && fault is not CollectiveAbortedException) groups.World.Abort($"rank {groups.Rank} failed: {FaultText.Of(fault)}");
                if (streams) reduction!.Drop();
            }
            finally
            {
                held.Return(gradient);
            }
            throw;
        }
        if (again) held.Return(gradient);
        else if (streams) held.AddApart(flight.Batch.Slot, gradient, figures);
        else held.Add(flight.Batch.Slot, gradient, figures);
        if (groups.Previous is { } previous) Send(groups, previous, flight.Pass.InputGradient_SD);
    }

    private Tensor Received(ISlotComputer computer, RankGroups groups, int sender, SlotBatch batch)
    {
        var stream_SD = computer.Stream(batch);
        try
        {
            var start = Stopwatch.GetTimestamp();
            if (Bytes(stream_SD) is > 0 and var bytes) groups.World.Receive(sender, FlatMemory.Address(stream_SD), bytes, deadline);
            clock.WaitedForStage(Stopwatch.GetElapsedTime(start));
            return stream_SD;
        }
        catch
        {
            stream_SD.Dispose();
            throw;
        }
    }

    private void Send(RankGroups groups, int receiver, Tensor stream_SD)
    {
        var start = Stopwatch.GetTimestamp();
        if (Bytes(stream_SD) is > 0 and var bytes) groups.World.Send(receiver, FlatMemory.Address(stream_SD), bytes, deadline);
        clock.WaitedForStage(Stopwatch.GetElapsedTime(start));
    }

    private static long Bytes(Tensor stream_SD) => stream_SD.numel() * stream_SD.element_size();
}
