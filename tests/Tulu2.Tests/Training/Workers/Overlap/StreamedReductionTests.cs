using System.Collections.Concurrent;
using FsCheck.Xunit;
using Tulu2.Collectives;
using Tulu2.Collectives.InProcess;
using Tulu2.Collectives.Layout;
using Tulu2.Collectives.Reduction;
using Tulu2.Models.Parameters;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;
using Tulu2.Training.Communication;
using Tulu2.Training.Optimization;
using Tulu2.Training.State;
using Tulu2.Training.Steps;
using Xunit;

namespace Tulu2.Tests.Training.Workers.Overlap;

/// <summary>A reduction that goes on in backward passes, cut off at any time by a rank's end or a new generation: what is held stays what it was, and is enough.</summary>
public sealed class StreamedReductionTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);
    private static readonly ParameterMap Layout = new(WorkerLoopTests.Config, 2);

    [Property(MaxTest = 60)]
    public void Cut_off_at_any_time_it_leaves_sound_sums_and_the_next_generation_ends_with_the_same_bits(int seed)
    {
        var random = new Random(seed);
        int data = random.Next(2, 5), slots = random.Next(1, 10);
        var parallel = new ParallelLayout(data, zero: random.Next(2) == 0 ? 1 : data);
        var gradients = Enumerable.Range(0, slots).Select(_ => Enumerable.Range(0, (int)Layout.Length).Select(_ => random.NextSingle() - 0.5f).ToArray()).ToArray();
        var plane = new InProcessDataPlane();
        Worker[] ranks = [.. Enumerable.Range(0, data).Select(rank => new Worker(parallel, rank, slots, gradients, new Random(random.Next())))];
        try
        {
            for (var generation = 1; generation <= 3; generation++)
            {
                var shares = SlotAssignment.Recover(slots, [.. ranks.Select(rank => rank.Held.Ranges)]);
                // Two that are cut off, the last is not; a rank may die in its pass, or a newer generation begin in the middle of it.
                var (victim, piece, dies) = (generation < 3 ? random.Next(data) : -1, random.Next(4), random.Next(2) == 0);
                var whole = OnThreads(data, rank => ranks[rank].Step(plane.Join(generation, rank, [.. ranks.Select(_ => "")]), shares[rank], rank == victim ? piece : -1, dies));
                foreach (var rank in ranks) rank.CheckHeld();
                Assert.True(generation < 3 || whole.All(done => done));
            }
        }
        finally
        {
            foreach (var rank in ranks) rank.Dispose();
        }
    }

    private static T[] OnThreads<T>(int count, Func<int, T> each)
    {
        var results = new T[count];
        var faults = new ConcurrentQueue<Exception>();
        Thread[] threads = [.. Enumerable.Range(0, count).Select(index => new Thread(() =>
        {
            try
            {
                results[index] = each(index);
            }
            catch (Exception fault)
            {
                faults.Enqueue(fault);
            }
        }))];
        foreach (var thread in threads) thread.Start();
        foreach (var thread in threads) thread.Join();
        return faults.IsEmpty ? results : throw new AggregateException(faults);
    }

    // The sum that the tree defines, written down once more.
    private static float[] Sum(SlotRange node, float[][] gradients)
    {
        if (node.Count == 1) return gradients[node.First];
        var (left, right) = ReductionTree.Split(node);
        return [.. Sum(left, gradients).Zip(Sum(right, gradients), (one, other) => one + other)];
    }

    private sealed class Worker : IDisposable
    {
        private readonly ParallelLayout _parallel;
        private readonly int _rank, _slots;
        private readonly float[][] _gradients;
        private readonly Random _random;
        private readonly ElementRange _range;
        private readonly StepReduction _reduction;

        public Worker(ParallelLayout parallel, int rank, int slots, float[][] gradients, Random random)
        {
            (_parallel, _rank, _slots, _gradients, _random) = (parallel, rank, slots, gradients, random);
            _range = new RankPart(Layout, parallel, rank).Range;
            Held = new HeldGradients(slots, Layout.Length);
            _reduction = new StepReduction(slots, Layout, _range, Held, Deadline, overlap: true, GradientPieces.Of(Layout, 1), new BackgroundThread($"sums of {rank}"), null);
        }

        public HeldGradients Held { get; }

        /// <summary>What a rank does in a generation, ended at a piece of the last slot's pass if that is not negative. True: the step is reduced, and right.</summary>
        public bool Step(ICollective world, SlotShare share, int endAt, bool dies)
        {
            using var own = world;
            var groups = new RankGroups(Roster.Whole(_parallel), new Rank(_rank), world);
            try
            {
                Held.Keep(share.Keep);
                var missing = share.Compute.SelectMany(range => Enumerable.Range(range.First, range.Count)).Order().ToArray();
                foreach (var slot in missing.SkipLast(1))
                {
                    var gradient = Held.Rent();
                    _gradients[slot].CopyTo(FlatMemory.Floats(FlatMemory.Address(gradient), 0, (int)Layout.Length));
                    Held.Add(slot, gradient, [slot]);
                }
                if (missing is [.., var last]) Stream(groups, last, endAt, dies);
                else if (endAt >= 0) world.Abort("drawn");
                var reduced = _reduction.Reduce(groups);
                Assert.Equal(Enumerable.Range(0, _slots), reduced.Figures.Select(figures => (int)figures[0]));
                var expected = Sum(new SlotRange(0, _slots), _gradients).AsSpan((int)_range.First, (int)_range.Count);
                Assert.True(expected.SequenceEqual(_reduction.Total.data<float>().ToArray()));
                // Whoever is slower still reads.
                groups.World.Barrier(Deadline);
                return true;
            }
            catch (CollectiveAbortedException)
            {
                _reduction.Drop();
                return false;
            }
        }

        public void CheckHeld()
        {
            var held = Held.Ranges;
            // As far added up as the tree allows, whatever stood apart when it ended.
            for (var index = 1; index < held.Count; index++) Assert.NotEqual(ReductionTree.Sibling(_slots, held[index - 1]), held[index]);
            Assert.Equal(held.SelectMany(range => Enumerable.Range(range.First, range.Count)), Held.Figures.Keys);
            Held.Settle();
            Assert.Equal(held, Held.Ranges);
            foreach (var partial in Held.Partials())
                unsafe
                {
                    Assert.True(new ReadOnlySpan<float>((void*)partial.Address, (int)partial.Length).SequenceEqual(Sum(partial.Range, _gradients)), $"{partial.Range} is unsound");
                }
        }

        public void Dispose()
        {
            _reduction.Dispose();
            Held.Dispose();
        }

        // As a slot's backward pass does it: nothing is there before its piece is called final.
        private void Stream(RankGroups groups, int slot, int endAt, bool dies)
        {
            var gradient = Held.Rent();
            var address = FlatMemory.Address(gradient);
            FlatMemory.Floats(address, 0, (int)Layout.Length).Fill(float.NaN);
            var ready = _reduction.Begin(groups, slot, gradient);
            var pieces = GradientPieces.Of(Layout, 1);
            for (var index = 0; index < pieces.Count; index++)
            {
                Thread.SpinWait(_random.Next(2000));
                if (index == endAt)
                {
                    groups.World.Abort("drawn");
                    if (dies)
                    {
                        _reduction.Drop();
                        Held.Return(gradient);
                        throw new CollectiveAbortedException(groups.World.Generation, "drawn");
                    }
                }
                var (first, count) = pieces[index];
                _gradients[slot].AsSpan((int)first, (int)count).CopyTo(FlatMemory.Floats(address, first, (int)count));
                ready(first);
            }
            Held.AddApart(slot, gradient, [slot]);
        }
    }
}
