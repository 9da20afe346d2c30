using System.Runtime.InteropServices;
using FsCheck.Xunit;
using Tulu2.Collectives;
using Tulu2.Collectives.InProcess;
using Tulu2.Collectives.Reduction;
using Xunit;

namespace Tulu2.Tests.Collectives;

public sealed class TreeSumTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    [Property(MaxTest = 60)]
    public void The_sum_has_the_same_bits_however_slots_are_distributed_over_ranks(int seed)
    {
        var random = new Random(seed);
        int slots = random.Next(1, 14), ranks = random.Next(1, 6);
        var length = random.Next(1, 70_000);
        var gradients = Enumerable.Range(0, slots).Select(_ => Wild(random, length)).ToArray();
        var expected = Sum(new SlotRange(0, slots), gradients);

        // Slots are assigned to ranks at random; each rank merges its slots into the largest possible nodes.
        var owner = Enumerable.Range(0, slots).Select(_ => random.Next(ranks)).ToArray();
        var results = OnRanks(ranks, (collective, rank) =>
        {
            var partials = Nodes(slots, slot => owner[slot] == rank).Select(node => (node, values: Sum(node, gradients))).ToArray();
            var before = partials.Select(partial => partial.values.ToArray()).ToArray();
            var result = new float[length];
            Pinned([result, .. partials.Select(partial => partial.values)], addresses =>
                collective.TreeSum(slots, [.. partials.Select((partial, index) => new PartialSum(partial.node, addresses[index + 1], length))],
                    new ElementRange(0, length), addresses[0], length, Deadline));
            for (var index = 0; index < partials.Length; index++) Assert.Equal(before[index], partials[index].values);
            return result;
        });
        foreach (var result in results) Assert.True(MemoryMarshal.AsBytes(result.AsSpan()).SequenceEqual(MemoryMarshal.AsBytes(expected.AsSpan())));
    }

    [Property(MaxTest = 200)]
    public void A_recovered_step_uses_every_slot_exactly_once(int seed)
    {
        var random = new Random(seed);
        int slots = random.Next(1, 20), ranks = random.Next(1, 6);
        var held = Enumerable.Range(0, ranks).Select(_ => (IReadOnlyList<SlotRange>)[.. Nodes(slots, _ => random.Next(3) == 0)]).ToArray();
        var shares = SlotAssignment.Recover(slots, held);
        var used = shares.SelectMany(share => share.Keep.Concat(share.Compute)).SelectMany(range => Enumerable.Range(range.First, range.Count)).Order();
        Assert.Equal(Enumerable.Range(0, slots), used);
        for (var rank = 0; rank < ranks; rank++) Assert.Subset(held[rank].ToHashSet(), shares[rank].Keep.ToHashSet());
        var anywhere = held.SelectMany(ranges => ranges).SelectMany(range => Enumerable.Range(range.First, range.Count)).ToHashSet();
        Assert.DoesNotContain(shares.SelectMany(share => share.Compute).SelectMany(range => Enumerable.Range(range.First, range.Count)), anywhere.Contains);
    }

    [Property(MaxTest = 200)]
    public void A_range_is_covered_by_the_fewest_nodes(int seed)
    {
        var random = new Random(seed);
        var slots = random.Next(1, 40);
        var first = random.Next(slots);
        var range = new SlotRange(first, random.Next(1, slots - first + 1));
        var cover = ReductionTree.Cover(slots, range);
        Assert.Equal(Enumerable.Range(range.First, range.Count), cover.SelectMany(node => Enumerable.Range(node.First, node.Count)));
        Assert.All(cover, node => Assert.True(ReductionTree.IsNode(slots, node)));
        Assert.All(cover, node => Assert.DoesNotContain(cover, other => ReductionTree.Sibling(slots, node) == other));
    }

    [Fact]
    public async Task An_abort_ends_the_calls_of_waiting_and_of_late_ranks()
    {
        var plane = new InProcessDataPlane();
        using var first = plane.Join(1, 0, 2);
        var waiting = Task.Factory.StartNew(() => Assert.Throws<CollectiveAbortedException>(() => first.Barrier(Deadline)), TaskCreationOptions.LongRunning);
        using var next = plane.Join(2, 0, 2);
        await waiting.WaitAsync(Deadline);
        using var late = plane.Join(1, 1, 2);
        Assert.Throws<CollectiveAbortedException>(() => late.AllGather(new byte[1], Deadline));
    }

    [Fact]
    public void A_missing_peer_ends_the_call_at_its_deadline_and_the_generation_with_it()
    {
        var plane = new InProcessDataPlane();
        using var first = plane.Join(1, 0, 2);
        using var second = plane.Join(1, 1, 2);
        Assert.Throws<TimeoutException>(() => first.Barrier(TimeSpan.FromMilliseconds(30)));
        Assert.Throws<CollectiveAbortedException>(() => second.Barrier(Deadline));
    }

    [Fact]
    public void A_broadcast_reaches_the_receivers_only()
    {
        var results = OnRanks(3, (collective, rank) =>
        {
            var values = Enumerable.Repeat((float)rank, 100_000).ToArray();
            Pinned([values], addresses => collective.Broadcast(1, [2], addresses[0], values.Length * sizeof(float), Deadline));
            var gathered = collective.AllGather(new[] { (byte)rank }, Deadline);
            Assert.Equal([0, 1, 2], gathered.Select(bytes => (int)bytes[0]));
            return values;
        });
        Assert.Equal([0f, 1f, 1f], results.Select(values => values[^1]));
    }

    [Theory]
    [InlineData(0, 2, 2, 1)]
    [InlineData(0, 4, 0, 1)]
    [InlineData(0, 1, 1, 3)]
    [InlineData(0, 4, 4, 1)]
    [InlineData(0, 2, 0, 2)]
    public void Partial_sums_that_are_not_a_cover_fail_on_every_rank_even_without_elements_to_sum(int first, int count, int second, int secondCount)
    {
        SlotRange[] ranges = [new(first, count), new(second, secondCount)];
        Assert.False(ReductionTree.IsCover(4, ranges));
        // Two floats: only one of three ranks has a part of the result to sum.
        OnRanks(3, (collective, rank) =>
        {
            Pinned([new float[2], new float[2]], addresses => Assert.Throws<ArgumentException>(() =>
                collective.TreeSum(4, rank < 2 ? [new PartialSum(ranges[rank], addresses[0], 2)] : [], new ElementRange(0, 2), addresses[1], 2, Deadline)));
            return [];
        });
    }

    [Fact]
    public void Ranks_that_disagree_on_the_size_of_a_generation_get_an_error()
    {
        var plane = new InProcessDataPlane();
        using var first = plane.Join(1, 0, 2);
        Assert.Throws<ArgumentException>(() => plane.Join(1, 1, 3));
    }

    private static float[][] OnRanks(int ranks, Func<ICollective, int, float[]> run)
    {
        var plane = new InProcessDataPlane();
        var tasks = Enumerable.Range(0, ranks).Select(rank => Task.Factory.StartNew(() =>
        {
            using var collective = plane.Join(1, rank, ranks);
            var result = run(collective, rank);
            collective.Barrier(Deadline);
            return result;
        }, TaskCreationOptions.LongRunning)).ToArray();
        Task.WaitAll(tasks, TimeSpan.FromMinutes(1));
        return [.. tasks.Select(task => task.Result)];
    }

    private static void Pinned(float[][] arrays, Action<nint[]> use)
    {
        var handles = arrays.Select(array => GCHandle.Alloc(array, GCHandleType.Pinned)).ToArray();
        try { use([.. handles.Select(handle => handle.AddrOfPinnedObject())]); }
        finally { foreach (var handle in handles) handle.Free(); }
    }

    private static IEnumerable<SlotRange> Nodes(int slots, Func<int, bool> mine)
    {
        var run = new List<int>();
        for (var slot = 0; slot <= slots; slot++)
        {
            if (slot < slots && mine(slot)) { run.Add(slot); continue; }
            if (run.Count > 0) foreach (var node in ReductionTree.Cover(slots, new SlotRange(run[0], run.Count))) yield return node;
            run.Clear();
        }
    }

    private static float[] Sum(SlotRange node, float[][] gradients)
    {
        if (node.Count == 1) return [.. gradients[node.First]];
        var (left, right) = ReductionTree.Split(node);
        var (a, b) = (Sum(left, gradients), Sum(right, gradients));
        for (var index = 0; index < a.Length; index++) a[index] += b[index];
        return a;
    }

    private static float[] Wild(Random random, int length)
    {
        var values = new float[length];
        for (var index = 0; index < length; index++) values[index] = (float)((random.NextDouble() - 0.5) * Math.Pow(10, random.Next(-12, 12)));
        return values;
    }
}
