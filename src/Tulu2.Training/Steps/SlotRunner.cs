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
/// Takes a replica's slots through this rank's stage, one action at a time in the order of <see cref="PipelineSchedule"/>, and adds each gradient to those held
/// when its backward pass is done. To the ranks of its tensor place in other stages goes its share of the rows. What is in flight is lost with the generation;
/// what is held stays.
/// </summary>
/// <param name="reduction">Is given the last slot's gradient while it is computed; null: nobody is.</param>
internal sealed class SlotRunner(HeldGradients held, TimeSpan deadline, StepClock clock, StepReduction? reduction = null)
{
    private readonly Queue<PipelineAction> _actions = new();
    private readonly Dictionary<int, Flight> _flights = [];
    private int[] _slots = [];

    private sealed record Flight(SlotBatch Batch, ISlotPass Pass)
    {
        public TimeSpan Time { get; set; }
    }

    public bool IsDone => _actions.Count == 0;

    /// <summary>The slot whose batch the next action needs; null where it needs none.</summary>
    public int? Needs => _actions.TryPeek(out var next) && next.IsForward ? _slots[next.Index] : null;

    /// <param name="slots">What the replica has to compute, ascending; all its ranks are given the same.</param>
    public void Start(IEnumerable<int> slots, int stage, int stages)
    {
        Drop();
        _slots = [.. slots];
        foreach (var action in PipelineSchedule.Of(stage, stages, _slots.Length)) _actions.Enqueue(action);
    }

    /// <summary>Forgets what is still to be done.</summary>
    public void Drop()
    {
        _actions.Clear();
        foreach (var flight in _flights.Values) flight.Pass.Dispose();
        _flights.Clear();
    }

    /// <summary>Does the next action.</summary>
    /// <param name="batch">Of the slot that is needed.</param>
    /// <returns>The slot that is done with it, and the time it took here; null after a forward pass.</returns>
    public (int Slot, TimeSpan Time)? Advance(ISlotComputer computer, RankGroups groups, SlotBatch? batch)
    {
        var start = Stopwatch.GetTimestamp();
        var action = _actions.Dequeue();
        var slot = _slots[action.Index];
        if (action.IsForward)
        {
            var pass = Forward(computer, groups, batch!, keep: true);
            _flights.Add(slot, new Flight(batch!, pass) { Time = Stopwatch.GetElapsedTime(start) });
            return null;
        }
        _flights.Remove(slot, out var flight);
        using (flight!.Pass) Backward(computer, groups, flight);
        return (slot, flight.Time + Stopwatch.GetElapsedTime(start));
    }

    /// <summary>Takes a batch through the stages without a gradient.</summary>
    /// <returns>The log-probabilities of its segments on the last stage, null elsewhere.</returns>
    public float[]? Score(ISlotComputer computer, RankGroups groups, SlotBatch batch)
    {
        using var pass = Forward(computer, groups, batch, keep: false);
        return groups.Next is null ? pass.Score() : null;
    }

    private ISlotPass Forward(ISlotComputer computer, RankGroups groups, SlotBatch batch, bool keep)
    {
        using var input_SD = groups.Previous is { } previous ? Received(computer, groups, previous, batch) : null;
        var pass = computer.Forward(batch, input_SD, keep);
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

    private void Backward(ISlotComputer computer, RankGroups groups, Flight flight)
    {
        using var outputGradient_SD = groups.Next is { } next ? Received(computer, groups, next, flight.Batch) : null;
        // After the last slot all that is left to do is to add up: that begins at once.
        var streams = IsDone && reduction is not null && reduction.Streams(groups);
        var gradient = held.Rent();
        double[] figures;
        try
        {
            var ready = streams ? reduction!.Begin(groups, flight.Batch.Slot, gradient) : null;
            figures = flight.Pass.Backward(outputGradient_SD, gradient, ready);
            ready?.Invoke(0);
        }
        catch (Exception fault)
        {
            try
            {
                // Peers wait in sums that this rank will not come to.
                if (streams && fault is not CollectiveAbortedException) groups.World.Abort($"rank {groups.Rank} failed: {FaultText.Of(fault)}");
                if (streams) reduction!.Drop();
            }
            finally
            {
                held.Return(gradient);
            }
            throw;
        }
        if (streams) held.AddApart(flight.Batch.Slot, gradient, figures);
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
