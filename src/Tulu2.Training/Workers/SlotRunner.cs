using System.Diagnostics;
using Tulu2.Collectives;
using Tulu2.Data.Slots;
using Tulu2.Training.Optimization;
using Tulu2.Training.Slots;
using static TorchSharp.torch;

namespace Tulu2.Training.Workers;

/// <summary>
/// Takes a replica's slots through this rank's stage, one action at a time in the order of <see cref="PipelineSchedule"/>, and adds each gradient to those held
/// when its backward pass is done. Between stages goes each tensor-parallel rank's share of the rows; waiting for them, the gather included, is waiting for the other
/// stage. What is in flight is lost with the generation; what is held stays.
/// </summary>
internal sealed class SlotRunner(HeldGradients held, TimeSpan deadline, StepClock clock)
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
        using var input_ND = groups.Previous is { } previous ? Received(computer, groups, previous, batch) : null;
        var pass = computer.Forward(batch, input_ND, keep);
        try
        {
            if (groups.Next is { } next) Send(groups, next, pass.Output_ND);
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
        using var outputGradient_ND = groups.Next is { } next ? Received(computer, groups, next, flight.Batch) : null;
        var gradient = held.Rent();
        double[] figures;
        try
        {
            figures = flight.Pass.Backward(outputGradient_ND, gradient);
        }
        catch
        {
            held.Return(gradient);
            throw;
        }
        held.Add(flight.Batch.Slot, gradient, figures);
        if (groups.Previous is { } previous) Send(groups, previous, flight.Pass.InputGradient_ND);
    }

    private Tensor Received(ISlotComputer computer, RankGroups groups, int sender, SlotBatch batch)
    {
        var stream_ND = computer.Stream(batch);
        try
        {
            var start = Stopwatch.GetTimestamp();
            var share = Share(groups, stream_ND);
            if (share.Count > 0) groups.World.Receive(sender, FlatMemory.Address(stream_ND) + (nint)share.First, share.Count, deadline);
            if (groups.Tensor.Size > 1) groups.Tensor.GatherRows(stream_ND, deadline);
            clock.WaitedForStage(Stopwatch.GetElapsedTime(start));
            return stream_ND;
        }
        catch
        {
            stream_ND.Dispose();
            throw;
        }
    }

    private void Send(RankGroups groups, int receiver, Tensor stream_ND)
    {
        var start = Stopwatch.GetTimestamp();
        var share = Share(groups, stream_ND);
        if (share.Count > 0) groups.World.Send(receiver, FlatMemory.Address(stream_ND) + (nint)share.First, share.Count, deadline);
        clock.WaitedForStage(Stopwatch.GetElapsedTime(start));
    }

    // All ranks of a tensor group have the same stream: each sends the bytes of its own rows, and those who get them put them together.
    private static ElementRange Share(RankGroups groups, Tensor stream_ND) => RowGather.Parts(stream_ND, groups.Tensor.Size)[groups.Tensor.Rank];
}
