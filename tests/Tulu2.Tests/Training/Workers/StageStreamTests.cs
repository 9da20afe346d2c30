using System.Reflection;
using TorchSharp;
using Tulu2.Collectives;
using Tulu2.Collectives.InProcess;
using Tulu2.Collectives.Layout;
using Tulu2.Data.Slots;
using Tulu2.Tests.Models.Llama;
using Tulu2.Training.Slots;
using Tulu2.Training.Workers;
using Xunit;
using static TorchSharp.torch;

namespace Tulu2.Tests.Training.Workers;

/// <summary>Streams between the tensor groups of two stages: each rank sends its rows, and the group that gets them puts them together.</summary>
public sealed class StageStreamTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);
    private static readonly SlotBatch Batch = TinyModel.Batch([5]);

    [Theory]
    [InlineData(2, 17)]
    [InlineData(4, 3)]
    [InlineData(3, 16)]
    public void Ranks_send_only_their_rows_and_get_all(int tensor, int rows)
    {
        var layout = new ParallelLayout(1, tensor, 2);
        var plane = new InProcessDataPlane();
        var worlds = Enumerable.Range(0, layout.Size).Select(rank => Counted.Of(plane.Join(1, rank, layout.Size))).ToArray();
        var seen = Enumerable.Repeat(Array.Empty<float>(), layout.Size).ToArray();
        var threads = worlds.Select((world, rank) => new Thread(() =>
        {
            using var held = new HeldGradients(1, 16);
            var runner = new SlotRunner(held, Deadline, new StepClock());
            using var computer = new Stage(rows, input => seen[rank] = input.data<float>().ToArray());
            runner.Score(computer, new RankGroups(layout, rank, world.Calls), Batch);
        })).ToArray();
        foreach (var thread in threads) thread.Start();
        foreach (var thread in threads) thread.Join();
        Assert.All(seen[..tensor], Assert.Empty);
        Assert.All(seen[tensor..], stream => Assert.Equal(Enumerable.Range(0, 4 * rows).Select(value => (float)value), stream));
        // Between the stages goes each row once.
        Assert.Equal(4L * rows * sizeof(float), worlds.Sum(world => world.Sent));
        Assert.All(worlds, world => Assert.InRange(world.Sent, 0, (rows + tensor - 1) / tensor * 4 * sizeof(float)));
    }

    [Fact]
    public void A_gather_that_ends_without_a_rank_leaves_no_tensor_behind()
    {
        var layout = new ParallelLayout(1, 2, 2);
        var plane = new InProcessDataPlane();
        using var held = new HeldGradients(1, 16);
        using var computer = new Stage(17, _ => Assert.Fail("nothing is whole"));
        ICollective first = plane.Join(1, 0, layout.Size), second = plane.Join(1, 2, layout.Size);
        new SlotRunner(held, Deadline, new StepClock()).Score(computer, new RankGroups(layout, 0, first), Batch);
        var before = Alive();
        // Rank 3 never comes.
        Assert.Throws<TimeoutException>(() =>
            new SlotRunner(held, TimeSpan.FromMilliseconds(20), new StepClock()).Score(computer, new RankGroups(layout, 2, second), Batch));
        Assert.Equal(before, Alive());
    }

    /// <summary>A collective that counts what is sent to single ranks.</summary>
    internal class Counted : DispatchProxy
    {
        private ICollective _inner = null!;

        public ICollective Calls { get; private set; } = null!;
        public long Sent { get; private set; }

        public static Counted Of(ICollective inner)
        {
            var calls = Create<ICollective, Counted>();
            var counted = (Counted)(object)calls;
            (counted._inner, counted.Calls) = (inner, calls);
            return counted;
        }

        protected override object? Invoke(MethodInfo? method, object?[]? arguments)
        {
            if (method!.Name == nameof(ICollective.Send)) Sent += (long)arguments![2]!;
            return method.Invoke(_inner, arguments);
        }
    }

    /// <summary>Gives a stream of counted elements to the next stage.</summary>
    private sealed class Stage(int rows, Action<Tensor> see) : ISlotComputer
    {
        public Tensor Stream(SlotBatch batch) => full([rows, 4], float.NaN).DetachFromDisposeScope();

        public ISlotPass Forward(SlotBatch batch, Tensor? input_ND, bool keep)
        {
            if (input_ND is not null) see(input_ND);
            return new Pass(arange(4 * rows, dtype: float32).view(rows, 4).DetachFromDisposeScope());
        }

        public (double Loss, PreferenceMetrics? Preference) Summarize(int step, IReadOnlyList<double[]> figures) => default;

        public void Dispose()
        {
        }
    }

    private sealed class Pass(Tensor stream_ND) : ISlotPass
    {
        public Tensor Output_ND => stream_ND;
        public Tensor InputGradient_ND => stream_ND;
        public double[] Backward(Tensor? outputGradient_ND, Tensor gradient) => [];
        public float[] Score() => [];
        public void Dispose() => stream_ND.Dispose();
    }

    private static long Alive() => DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;
}
