using FsCheck.Xunit;
using Tulu2.Collectives;
using Tulu2.Protocol.Ids;
using Tulu2.Training.Optimization;
using Tulu2.Training.Steps;
using Xunit;
using static TorchSharp.torch;

namespace Tulu2.Tests.Training.Slots;

public class HeldGradientsTests
{
    private const int Length = 32;

    [Property(MaxTest = 60)]
    public bool The_order_in_which_slots_come_does_not_change_a_bit(byte size, int seed)
    {
        var slots = 1 + size % 21;
        var order = Enumerable.Range(0, slots).ToArray();
        new Random(seed).Shuffle(order);
        return Sum(slots, order).SequenceEqual(Sum(slots, [.. Enumerable.Range(0, slots)]));
    }

    [Theory]
    [InlineData(1, 2)]
    [InlineData(8, 5)]
    [InlineData(32, 7)]
    [InlineData(100, 9)]
    public void Slots_in_order_need_no_more_buffers_than_the_tree_is_high(int slots, int most)
    {
        using var held = new HeldGradients(slots, Length);
        var buffers = new HashSet<nint>();
        for (var slot = 0; slot < slots; slot++)
        {
            var gradient = held.Rent();
            buffers.Add(gradient.Handle);
            held.Add(slot, gradient, []);
        }
        buffers.Add(held.Rent().Handle);
        Assert.InRange(buffers.Count, 1, most);
        Assert.Equal([new SlotRange(0, slots)], held.Ranges);
    }

    [Fact]
    public void What_is_not_kept_is_dropped_with_its_figures()
    {
        using var held = new HeldGradients(8, Length);
        foreach (var slot in new[] { 0, 1, 2, 5, 6, 7 }) held.Add(slot, held.Rent(), [slot]);
        Assert.Equal([new(0, 2), new(2, 1), new(5, 1), new SlotRange(6, 2)], held.Ranges);
        held.Keep([new(2, 1), new(6, 2)]);
        Assert.Equal([new(2, 1), new SlotRange(6, 2)], held.Ranges);
        Assert.Equal([2, 6, 7], held.Figures.Keys);
    }

    [Fact]
    public void Half_of_a_sum_cannot_be_kept()
    {
        using var held = new HeldGradients(8, Length);
        foreach (var slot in new[] { 0, 1 }) held.Add(slot, held.Rent(), []);
        Assert.Throws<InvalidOperationException>(() => held.Keep([new(0, 1)]));
    }

    [Fact]
    public void What_stands_apart_is_held_but_written_into_no_sum_before_it_is_settled()
    {
        using var held = new HeldGradients(8, Length);
        foreach (var slot in new[] { 0, 1, 2 }) held.Add(slot, held.Rent(), [slot]);
        var before = held.Partials();
        held.AddApart(3, held.Rent(), [3]);
        Assert.Equal([new SlotRange(0, 4)], held.Ranges);
        Assert.True(held.Holds(3));
        Assert.Equal(before, held.Partials());
        Assert.Throws<InvalidOperationException>(() => held.AddApart(4, held.Rent(), [4]));
        held.Settle();
        Assert.Equal([new SlotRange(0, 4)], held.Ranges);
        Assert.Equal([new SlotRange(0, 4)], held.Partials().Select(partial => partial.Range));
    }

    [Fact]
    public void Gradients_that_are_not_finite_have_their_slots_named_as_long_as_they_are_held()
    {
        using var held = new HeldGradients(8, Length, looks: true);
        foreach (var (slot, value) in new[] { (0, 1f), (1, float.NaN), (2, float.MaxValue), (3, float.NegativeInfinity) })
        {
            var gradient = held.Rent();
            FlatMemory.Floats(FlatMemory.Address(gradient), Length - 1, 1)[0] = value;
            held.Add(slot, gradient, []);
        }
        Assert.Equal([1, 3], held.Broken);
        held.Keep([]);
        Assert.Empty(held.Broken);
        // Once the sum is complete, whoever has it knows it of all slots.
        held.Complete(held.Rent(), new double[8][], [5]);
        Assert.Equal([5], held.Broken);
    }

    [Fact]
    public void Slots_that_are_left_out_are_added_in_their_turn_with_no_more_buffers_than_all_slots_need()
    {
        using var held = new HeldGradients(8, Length);
        var left = new LeftOutSlots(held, slots: 8) { All = [.. new[] { 1, 2, 6 }.Select(slot => new StepSlot(new StepNumber(3), new SlotNumber(slot)))] };
        Assert.Equal([0, 3, 4, 5, 7], left.Start(new StepNumber(3), [0, 1, 2, 3, 4, 5, 6, 7]));
        Assert.Equal([], left.Fill());
        var filled = new List<int[]>();
        foreach (var slot in new[] { 0, 3, 4, 5, 7 })
        {
            var gradient = held.Rent();
            FlatMemory.Floats(FlatMemory.Address(gradient), 0, Length).Fill(1);
            held.Add(slot, gradient, []);
            left.Done();
            filled.Add([.. left.Fill()]);
        }
        // Before the last one is computed all others are there: it may be reduced while it is computed.
        Assert.Equal([[1, 2], [], [], [6], []], filled);
        Assert.All(held.Total.data<float>(), value => Assert.Equal(5, value));
        Assert.Equal([0, 1, 2, 3, 4, 5, 6, 7], left.Start(new StepNumber(4), [0, 1, 2, 3, 4, 5, 6, 7]));
        Assert.Equal([], left.Start(new StepNumber(3), [1, 6]));
        held.Clear();
        Assert.Equal([1, 6], left.Fill());
    }

    [Fact]
    public void A_slot_is_added_once()
    {
        using var held = new HeldGradients(2, Length);
        held.Add(0, held.Rent(), []);
        Assert.Throws<InvalidOperationException>(() => held.Add(0, held.Rent(), []));
    }

    private static float[] Sum(int slots, int[] order)
    {
        using var held = new HeldGradients(slots, Length);
        foreach (var slot in order)
        {
            var gradient = held.Rent();
            using var drawn = randn(Length, generator: new Generator((ulong)(slot + 1)));
            gradient.copy_(drawn);
            held.Add(slot, gradient, []);
        }
        return held.Total.data<float>().ToArray();
    }
}
