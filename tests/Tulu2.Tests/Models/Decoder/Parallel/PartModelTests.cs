using Tulu2.Models.Decoder;
using Tulu2.Models.Parameters;
using Tulu2.Models.Torch;
using Xunit;
using static TorchSharp.torch;

namespace Tulu2.Tests.Models.Decoder.Parallel;

/// <summary>What a part of a model refuses.</summary>
public sealed class PartModelTests
{
    [Fact]
    public void A_stage_wants_the_input_and_the_backward_pass_that_its_place_asks_for()
    {
        using var scope = NewDisposeScope();
        var config = TinyModel.Config();
        ParameterMap first = new(config, 2, new ModelPart(0, 1, 0, 1)), last = new(config, 2, new ModelPart(0, 1, 1, 2));
        using DecoderModel head = new(first, zeros([first.Length])), tail = new(last, zeros([last.Length]));
        var batch = TinyModel.Batch([2], drop: 0);
        Assert.Equal(DecoderModel.FewestRows, DecoderModel.RowsOf(batch));
        Tensor stream = zeros(DecoderModel.FewestRows, 64), coefficients = TinyModel.Coefficients(batch);
        Assert.Throws<ArgumentException>(() => head.Forward(batch, true, stream));
        Assert.Throws<ArgumentException>(() => tail.Forward(batch, true));
        Assert.Throws<ArgumentException>(() => tail.Forward(batch, true, zeros(2, 64)));
        Assert.Throws<ArgumentException>(() => tail.Forward(batch, true, stream.to_type(ScalarType.BFloat16)));

        using Activations one = head.Forward(batch, true), two = tail.Forward(batch, true, stream);
        Assert.Equal((DecoderModel.FewestRows, DecoderModel.FewestRows), (one.Rows, two.Rows));
        Assert.Equal([DecoderModel.FewestRows, 64], one.Output_SD.shape);
        Assert.Throws<InvalidOperationException>(() => two.Output_SD);
        Assert.Throws<InvalidOperationException>(() => two.InputGradient_SD);
        Assert.Throws<InvalidOperationException>(() => head.LogProbabilities(one));
        Assert.Throws<InvalidOperationException>(() => head.Backward(one, coefficients, zeros([first.Length])));
        Assert.Throws<InvalidOperationException>(() => tail.BackwardStage(two, stream, zeros([last.Length])));
        tail.Backward(two, coefficients, zeros([last.Length]));
        Assert.Equal([DecoderModel.FewestRows, 64], two.InputGradient_SD.shape);
        Assert.Throws<ArgumentException>(() => head.BackwardStage(one, zeros(2, 64), zeros([first.Length])));
        head.BackwardStage(one, two.InputGradient_SD, zeros([first.Length]));
        Assert.Throws<InvalidOperationException>(() => head.BackwardStage(one, stream, zeros([first.Length])));
        Assert.Throws<InvalidOperationException>(() => one.InputGradient_SD);
    }

    [Fact]
    public void A_model_whose_group_is_gone_can_begin_again()
    {
        using var scope = NewDisposeScope();
        var layout = new ParameterMap(TinyModel.Config(), 2, new ModelPart(1, 2, 0, 2));
        using var weights = TinyModel.Weights(layout);
        var group = new BreakingSum();
        using var model = new DecoderModel(layout, weights, recompute: true, group);
        var batch = TinyModel.Batch([40, 9]);
        var calls = 0;
        group.Before = () => calls++;
        var (expected, gradient) = TinyModel.Run(model, batch);
        var all = calls;
        Assert.True(all > 10);
        for (var last = 0; last < all; last++)
        {
            var left = last;
            group.Before = () => left = left > 0 ? left - 1 : throw new TimeoutException();
            Assert.Throws<TimeoutException>(() => TinyModel.Run(model, batch));
        }
        group.Before = () => { };
        var (again, gradientAgain) = TinyModel.Run(model, batch);
        Assert.Equal(TinyModel.Hash(expected), TinyModel.Hash(again));
        Assert.Equal(TinyModel.Hash(gradient), TinyModel.Hash(gradientAgain));
    }

    /// <summary>Adds nothing.</summary>
    private sealed class BreakingSum : IShardSum
    {
        public Action Before { get; set; } = () => { };

        public bool Alone => false;

        public void Sum(Tensor partial) => Before();

        public void Max(Tensor partial) => Before();

        public void GatherRows(Tensor rows) => Before();
    }

    [Fact]
    public void A_part_of_the_matrices_needs_a_group()
    {
        using var scope = NewDisposeScope();
        var config = TinyModel.Config();
        var layout = new ParameterMap(config, 2, new ModelPart(1, 2, 0, 2));
        Assert.Throws<ArgumentException>(() => new DecoderModel(layout, zeros([layout.Length])));
    }
}
