using System.Runtime.InteropServices;
using TorchSharp;
using Tulu2.Collectives;
using Tulu2.Collectives.InProcess;
using Tulu2.Collectives.Layout;
using Tulu2.Collectives.Nccl;
using Tulu2.Collectives.Reduction;
using Tulu2.Files;
using Tulu2.Training.Communication;
using Tulu2.Training.Optimization;
using Xunit;
using static TorchSharp.torch;

namespace Tulu2.Tests.Collectives.Nccl;

public sealed class NcclGroupTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData(2, 1000, false)]
    [InlineData(2, 1000, true)]
    [InlineData(3, 77, false)]
    [InlineData(4, 4096, true)]
    [InlineData(5, 3, false)]
    [InlineData(8, 129, true)]
    public void A_sum_over_device_memory_has_the_bits_of_every_other_transport(int ranks, int count, bool half)
    {
        var type = half ? ScalarType.BFloat16 : ScalarType.Float32;
        var (expected, expectedMaxima) = (Values(ranks, count, type), Values(ranks, count, type));
        Reduce(expected, half, ReduceOperation.Sum);
        Reduce(expectedMaxima, half, ReduceOperation.Max);
        var fake = new FakeNccl();
        var results = OnRanks(ranks, fake, (groups, rank) =>
        {
            using var group = groups.Group([.. Enumerable.Range(0, ranks)]);
            using var scope = NewDisposeScope();
            using var noGradient = no_grad();
            Tensor sum = Values(ranks, count, type)[rank], maximum = Values(ranks, count, type)[rank];
            var shards = new NcclShardSum(group, bitwise: true, Deadline);
            shards.Sum(sum);
            shards.Max(maximum);
            return (sum.bytes.ToArray(), maximum.bytes.ToArray());
        });
        Assert.All(results, result => Assert.Equal(expected[0].bytes.ToArray(), result.Item1));
        Assert.All(results, result => Assert.Equal(expectedMaxima[0].bytes.ToArray(), result.Item2));
        Assert.Equal(0, fake.Alive);
    }

    [Theory]
    [InlineData(2, 17)]
    [InlineData(4, 3)]
    [InlineData(3, 100)]
    public void Rows_are_gathered_unchanged(int ranks, int rows)
    {
        var fake = new FakeNccl();
        foreach (var type in (ScalarType[])[ScalarType.Float32, ScalarType.BFloat16])
        {
            using var scope = NewDisposeScope();
            var whole = Values(1, 5 * rows, type)[0].view(rows, 5).bytes.ToArray();
            var results = OnRanks(ranks, fake, (groups, rank) =>
            {
                using var group = groups.Group([.. Enumerable.Range(0, ranks)]);
                using var inner = NewDisposeScope();
                using var noGradient = no_grad();
                var (mine, (first, count)) = (full([rows, 5], float.NaN, dtype: type), RowShares.Of(rows, rank, ranks));
                mine.narrow(0, first, count).copy_(Values(1, 5 * rows, type)[0].view(rows, 5).narrow(0, first, count));
                new NcclShardSum(group, bitwise: true, Deadline).GatherRows(mine);
                return mine.bytes.ToArray();
            });
            Assert.All(results, result => Assert.Equal(whole, result));
        }
        Assert.Equal(0, fake.Alive);
    }

    [Fact]
    public void Tensors_that_are_not_contiguous_are_summed_bitwise_or_in_any_order()
    {
        var fake = new FakeNccl();
        var results = OnRanks(2, fake, (groups, rank) =>
        {
            using var group = groups.Group([0, 1]);
            using var scope = NewDisposeScope();
            var wide = ones([4, 6]) * (rank + 1);
            new NcclShardSum(group, bitwise: true, Deadline).Sum(wide.narrow(1, 2, 2));
            new NcclShardSum(group, bitwise: false, Deadline).Sum(wide.narrow(1, 4, 2));
            return wide.sum(dim: 0).data<float>().ToArray();
        });
        Assert.Equal([4, 4, 12, 12, 12, 12], results[0]);
        Assert.Equal([8, 8, 12, 12, 12, 12], results[1]);
    }

    [Fact]
    public void Groups_of_a_layout_are_split_off_the_generation_s_communicator()
    {
        // Pairs, then the corresponding ranks of both pairs, like tensor and data groups.
        var results = OnRanks(4, new FakeNccl(), (groups, rank) =>
        {
            var pair = groups.Group(rank < 2 ? [0, 1] : [2, 3]);
            var across = groups.Group(rank % 2 == 0 ? [0, 2] : [1, 3]);
            using var scope = NewDisposeScope();
            Tensor one = full([20], (float)(rank + 1)), other = full([20], (float)(rank + 1));
            new NcclShardSum(pair, bitwise: true, Deadline).Sum(one);
            new NcclShardSum(across, bitwise: true, Deadline).Sum(other);
            return (one[0].ToSingle(), other[0].ToSingle(), pair.Rank, across.Rank);
        });
        Assert.Equal([(3f, 4f, 0, 0), (3f, 6f, 1, 0), (7f, 4f, 0, 1), (7f, 6f, 1, 1)], results);
    }

    [Fact]
    public void An_abort_from_another_thread_ends_a_waiting_call()
    {
        var waiting = new ManualResetEventSlim();
        var fake = new FakeNccl { LosesMessages = true };
        using var groups = Alone(fake, new FakeStream(() =>
        {
            waiting.Set();
            return false;
        }));
        var group = groups.Group([0]);
        var aborting = new Thread(() =>
        {
            waiting.Wait(Deadline);
            groups.Abort("a peer is gone");
        });
        aborting.Start();
        var aborted = Assert.Throws<CollectiveAbortedException>(() => Pair(fake, groups));
        aborting.Join();
        Assert.Contains("a peer is gone", aborted.Message);
        Assert.Equal(7, aborted.Generation);
        // The communicators' memory is freed: nothing may touch it.
        groups.Abort("again");
        Assert.Throws<CollectiveAbortedException>(() => Pair(fake, groups));
        group.Dispose();
        Assert.Equal(0, fake.Alive);
    }

    [Fact]
    public void A_deadline_ends_a_call_and_the_communicator()
    {
        var fake = new FakeNccl { LosesMessages = true };
        using var groups = Alone(fake, new FakeStream(() => false));
        Assert.Throws<TimeoutException>(() => Pair(fake, groups, TimeSpan.FromMilliseconds(20)));
        Assert.Throws<CollectiveAbortedException>(() => Pair(fake, groups));
    }

    [Theory]
    [InlineData(NcclResult.RemoteError, true)]
    [InlineData(NcclResult.SystemError, true)]
    [InlineData(NcclResult.InvalidUsage, false)]
    [InlineData(NcclResult.UnhandledCudaError, false)]
    public void An_asynchronous_error_of_the_library_becomes_a_typed_error(NcclResult state, bool endsTheGeneration)
    {
        var fake = new FakeNccl { LosesMessages = true };
        using var groups = Alone(fake, new FakeStream(() => false));
        var calls = 0;
        fake.State = () => ++calls < 5 ? NcclResult.InProgress : state;
        var error = Assert.ThrowsAny<Exception>(() => Pair(fake, groups));
        if (endsTheGeneration) Assert.IsType<CollectiveAbortedException>(error);
        else Assert.Equal(state, Assert.IsType<NcclException>(error).Result);
    }

    [Fact]
    public void Without_the_library_the_error_names_a_fix()
    {
        if (NativeLibrary.TryLoad("libnccl.so.2", out _)) return;
        var error = Assert.Throws<BadInputException>(() => NcclShardSum.Join(new InProcessDataPlane().Join(7, 0, ["in-process"]), Deadline));
        Assert.Equal("parallel.transport: nccl", error.Where);
        Assert.Contains("another transport", error.Fix);
    }

    // A group of one rank makes no calls; this one acts as rank 0 of two, whose peer never answers.
    private static void Pair(FakeNccl fake, NcclGroups groups, TimeSpan? deadline = null)
    {
        using var scope = NewDisposeScope();
        var group = new NcclGroup(groups.World, 0, 2);
        new NcclShardSum(group, bitwise: true, deadline ?? Deadline).Sum(ones([40]));
    }

    private static NcclGroups Alone(FakeNccl fake, INcclStream stream) =>
        NcclGroups.Join(fake, stream, new InProcessDataPlane().Join(7, 0, ["in-process"]), Deadline);

    private static T[] OnRanks<T>(int ranks, FakeNccl fake, Func<NcclGroups, int, T> work)
    {
        var plane = new InProcessDataPlane();
        var endpoints = Enumerable.Repeat("in-process", ranks).ToArray();
        var results = new T[ranks];
        var failures = new Exception?[ranks];
        var threads = Enumerable.Range(0, ranks).Select(rank => new Thread(() =>
        {
            try
            {
                using var groups = NcclGroups.Join(fake, new FakeStream(), plane.Join(1, rank, endpoints), Deadline);
                results[rank] = work(groups, rank);
            }
            catch (Exception error)
            {
                failures[rank] = error;
            }
        })).ToArray();
        foreach (var thread in threads) thread.Start();
        foreach (var thread in threads) thread.Join();
        Assert.All(failures, Assert.Null);
        return results;
    }

    private static Tensor[] Values(int ranks, int count, ScalarType type)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        return [.. Enumerable.Range(0, ranks).Select(rank =>
        {
            using var generator = new Generator((ulong)(rank + 1), CPU);
            return (randn([count], generator: generator) * Math.Pow(10, rank % 3)).to_type(type).DetachFromDisposeScope();
        })];
    }

    private static void Reduce(Tensor[] values, bool half, ReduceOperation operation) => GroupReduction.Into(
        [.. values.Select(FlatMemory.Address)], 0, 0, values[0].numel(), half ? ElementType.BFloat16 : ElementType.Float32, operation);
}
