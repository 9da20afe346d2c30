using TorchSharp;
using Tulu2.Models.Decoder;
using Tulu2.Models.Parameters;
using Tulu2.Models.Torch;
using Xunit;
using static TorchSharp.torch;

namespace Tulu2.Tests.Models.Decoder;

public sealed class MemoryTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Steps_leave_no_tensor_behind(bool recompute)
    {
        var layout = new ParameterMap(TinyModel.Config(), 4);
        using var weights = TinyModel.Weights(layout, ScalarType.BFloat16);
        using var model = new DecoderModel(layout, weights, recompute);
        using var gradient = zeros([layout.Length]);
        Step(1);
        var before = Alive();
        for (var i = 2; i < 20; i++) Step(i);
        Assert.Equal(before, Alive());

        void Step(int i)
        {
            var batch = TinyModel.Batch([5 * i, 30, 3 * i], seed: i);
            using var coefficients = TinyModel.Coefficients(batch);
            using (var kept = model.Forward(batch, keep: true))
            using (model.Backward(kept, coefficients, gradient)) { }
            using (var scored = model.Forward(batch, keep: false))
            using (model.LogProbabilities(scored)) { }
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Stages_leave_no_tensor_behind(bool recompute)
    {
        var config = TinyModel.Config();
        ParameterMap first = new(config, 4, new ModelPart(0, 1, 0, 1)), last = new(config, 4, new ModelPart(0, 1, 1, 2));
        using Tensor firstWeights = zeros([first.Length]), lastWeights = zeros([last.Length]), firstGradient = zeros([first.Length]), lastGradient = zeros([last.Length]);
        using DecoderModel head = new(first, firstWeights, recompute), tail = new(last, lastWeights, recompute);
        Step(1);
        var before = Alive();
        for (var i = 2; i < 20; i++) Step(i);
        Assert.Equal(before, Alive());

        void Step(int i)
        {
            var batch = TinyModel.Batch([5 * i, 30, 3 * i], seed: i);
            using var coefficients = TinyModel.Coefficients(batch);
            using Activations one = head.Forward(batch, keep: true), other = head.Forward(batch, keep: true);
            using var two = tail.Forward(batch, keep: true, one.Output_SD);
            using (tail.Backward(two, coefficients, lastGradient)) { }
            head.BackwardStage(one, two.InputGradient_SD, firstGradient);
            using var scored = head.Forward(batch, keep: false);
            using var end = tail.Forward(batch, keep: false, scored.Output_SD);
            using (tail.LogProbabilities(end)) { }
        }
    }

    [Fact]
    public void A_closed_model_leaves_no_tensor_behind()
    {
        var layout = new ParameterMap(TinyModel.Config(), 4);
        using var weights = TinyModel.Weights(layout);
        var before = Alive();
        using (var model = new DecoderModel(layout, weights))
        using (var activations = model.Forward(TinyModel.Batch([9]), keep: true)) { }
        Assert.Equal(before, Alive());
    }

    [Fact]
    public void The_arena_is_one_piece_after_it_has_grown()
    {
        TorchRuntime.Initialize();
        using var scope = NewDisposeScope();
        using var arena = new Arena(ScalarType.Float32, CPU);
        Tensor first = arena.Rent(100, 3000), second = arena.Rent(200, 3000);
        first.fill_(1);
        second.fill_(2);
        Assert.Equal(300000, first.sum().ToSingle());
        arena.Reset();
        Tensor third = arena.Rent(100, 3000), fourth = arena.Rent(200, 3000);
        third.fill_(3);
        fourth.fill_(4);
        Assert.Equal(900000, third.sum().ToSingle());
        var mark = arena.Mark;
        unsafe
        {
            var here = (nint)Aten.Address<float>(arena.Rent(7));
            arena.Release(mark);
            Assert.Equal(here, (nint)Aten.Address<float>(arena.Rent(9, 9)));
        }
    }

    /// <summary>Tensors of this thread that are not disposed.</summary>
    private static long Alive() => DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;
}
