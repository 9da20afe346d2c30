using System.Reflection;
using TorchSharp;
using Tulu2.Collectives;
using Tulu2.Collectives.InProcess;
using Tulu2.Collectives.Layout;
using Tulu2.Models.Decoder;
using Tulu2.Models.Families.Llama;
using Tulu2.Models.Parameters;
using Tulu2.Models.Torch;
using Tulu2.Protocol.Ids;
using Tulu2.Protocol.Workers;
using Tulu2.Tests.Models.Decoder;
using Tulu2.Tests.Training.Objectives;
using Tulu2.Training.Communication;
using Tulu2.Training.Recipes;
using Tulu2.Training.Slots;
using Tulu2.Training.Steps;
using Xunit;
using static TorchSharp.torch;

namespace Tulu2.Tests.Training.Workers;

/// <summary>Streams between the tensor groups of two stages: each rank sends its rows, and the group that gets them puts them together.</summary>
public sealed class StageStreamTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);
    private static readonly LlamaConfig Config = TinyModel.Config();

    [Theory]
    [InlineData(2, 17, false)]
    [InlineData(2, 17, true)]
    [InlineData(4, 3, false)]
    [InlineData(4, 50, true)]
    public void Between_stages_goes_each_row_once(int tensor, int tokens, bool split)
    {
        var layout = new ParallelLayout(1, tensor, 2);
        var plane = new InProcessDataPlane();
        var batch = TinyModel.Batch([tokens], drop: 0);
        var worlds = Enumerable.Range(0, layout.Size).Select(rank => Counted.Of(plane.Join(1, rank, layout.Size))).ToArray();
        var scores = new float[layout.Size][];
        var threads = worlds.Select((world, rank) => new Thread(() =>
        {
            TorchRuntime.EnterRankThread();
            using var held = new HeldGradients(1, 16);
            using var stage = new Stage(layout, rank, world.Calls, Deadline, split);
            scores[rank] = new SlotRunner(held, Deadline, new StepClock()).Score(stage.Slots, stage.Groups, batch, frozenOnly: false) ?? [];
        })).ToArray();
        foreach (var thread in threads) thread.Start();
        foreach (var thread in threads) thread.Join();
        Assert.All(scores[tensor..], score => Assert.Equal(scores[tensor], score));
        var row = Config.HiddenSize * sizeof(float);
        var rows = DecoderModel.RowsOf(batch);
        Assert.Equal((long)rows * row, worlds.Sum(world => world.Sent));
        Assert.All(worlds[..tensor], world => Assert.InRange(world.Sent, rows / tensor * row, (rows + tensor - 1) / tensor * row));
    }

    [Fact]
    public void A_gather_that_ends_without_a_rank_leaves_no_tensor_behind()
    {
        var layout = new ParallelLayout(1, 2, 2);
        var plane = new InProcessDataPlane();
        using var held = new HeldGradients(1, 16);
        var batch = TinyModel.Batch([33], drop: 0);
        ICollective first = plane.Join(1, 0, layout.Size), second = plane.Join(1, 2, layout.Size);
        var share = new byte[17 * Config.HiddenSize * sizeof(float)];
        unsafe
        {
            fixed (byte* address = share) first.Send(2, (nint)address, share.Length, Deadline);
        }
        var before = Alive();
        // Rank 3 never comes.
        using (var stage = new Stage(layout, 2, second, TimeSpan.FromMilliseconds(20), split: true))
        {
            Assert.Equal(17, stage.Model.ShareOf(batch));
            var runner = new SlotRunner(held, Deadline, new StepClock());
            runner.Start([0], 1, 2);
            var fault = Assert.Throws<TimeoutException>(() => runner.Advance(stage.Slots, stage.Groups, batch));
            // Not in a receive; of which method exactly depends on what was inlined.
            Assert.Contains("Gather", fault.StackTrace);
        }
        Assert.Equal(before, Alive());
    }

    /// <summary>A rank's part of a small model.</summary>
    private sealed class Stage : IDisposable
    {
        private readonly Tensor _weights;

        public Stage(ParallelLayout layout, int rank, ICollective world, TimeSpan deadline, bool split)
        {
            var part = new ParameterMap(Config, 4, ModelPart.Of(Config, layout, rank));
            _weights = TinyModel.Weights(part);
            Groups = new RankGroups(Roster.Whole(layout), new Rank(rank), world);
            Model = new DecoderModel(part, _weights, group: new TensorGroupSum(deadline, new StepClock()) { Group = Groups.Tensor }, splitActivations: split);
            Slots = new ModelSlots(Model, _weights, SlotObjective.Of(new Recipe(), new CountedPlan(1, [1]), null), onDevice: false);
        }

        public RankGroups Groups { get; }
        public DecoderModel Model { get; }
        public ModelSlots Slots { get; }

        public void Dispose()
        {
            Slots.Dispose();
            _weights.Dispose();
        }
    }

    /// <summary>A collective that counts the bytes sent to single ranks.</summary>
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

    private static long Alive() => DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;
}
