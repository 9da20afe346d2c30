using TorchSharp;
using Tulu2.Models.Decoder;
using Tulu2.Models.Parameters;
using Xunit;
using static TorchSharp.torch;

namespace Tulu2.Tests.Models.Decoder;

/// <summary>The hand-written reverse pass against autograd over an independent model in fp64.</summary>
public sealed class GradientTests
{
    public static TheoryData<int, bool, int, int, int, int> Shapes => new()
    {
        // shards, tied, heads, key-value heads, head size, feed-forward
        { 1, false, 8, 4, 16, 192 },
        { 2, true, 8, 4, 16, 192 },
        { 4, false, 8, 4, 16, 192 },
        { 4, true, 4, 4, 32, 128 },
        { 1, true, 6, 1, 24, 100 },
        { 2, false, 4, 2, 64, 64 },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Every_weight_s_gradient_is_that_of_autograd(int shards, bool tied, int heads, int keyValueHeads, int headSize, int feedForward)
    {
        using var scope = NewDisposeScope();
        var config = TinyModel.Config(tied, heads, keyValueHeads, headSize, feedForward);
        var layout = new ParameterMap(config, shards);
        var batch = TinyModel.Batch([70, 33, 200, 33, 2, 150]);
        var (logProbabilities, gradient) = TinyModel.Run(config, shards, batch);

        using var oracle = new AutogradLlama(layout, TinyModel.Weights(layout));
        var (expected, expectedGradient) = oracle.Run(batch, TinyModel.Coefficients(batch));
        Assert.InRange(TinyModel.Difference(logProbabilities, expected), 0, 2e-6);
        foreach (var matrix in layout.Matrices)
        {
            Tensor Of(Tensor flat) => flat.narrow(0, matrix.Offset, matrix.Length);
            var difference = TinyModel.Difference(Of(gradient), Of(expectedGradient));
            Assert.True(difference < 1e-5, $"{matrix.Key}: {difference}");
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Rows_that_stand_for_no_token_have_neither_probability_nor_gradient(bool tied)
    {
        using var scope = NewDisposeScope();
        var config = TinyModel.Config(tied, vocabulary: 70);
        var layout = new ParameterMap(config, 4);
        var batch = TinyModel.Batch([70, 33], vocabulary: 70);
        var (logProbabilities, gradient) = TinyModel.Run(config, 4, batch);
        using var oracle = new AutogradLlama(layout, TinyModel.Weights(layout));
        var (expected, expectedGradient) = oracle.Run(batch, TinyModel.Coefficients(batch));
        Assert.InRange(TinyModel.Difference(logProbabilities, expected), 0, 2e-6);
        Assert.InRange(TinyModel.Difference(gradient, expectedGradient), 0, 1e-5);
        foreach (var key in (string[])["embed", "head"])
        {
            var matrix = layout[key];
            Assert.Equal(58, matrix.PaddingRows);
            var padding = gradient.narrow(0, matrix.Offset + 70 * matrix.Columns, 58 * matrix.Columns);
            Assert.Equal(TinyModel.Hash(zeros_like(padding)), TinyModel.Hash(padding));
        }
    }

    [Fact]
    public void Padding_between_parameters_has_no_gradient()
    {
        using var scope = NewDisposeScope();
        var config = TinyModel.Config(feedForward: 100, headSize: 24, heads: 2, keyValueHeads: 1, vocabulary: 129);
        var layout = new ParameterMap(config, 1);
        var (_, gradient) = TinyModel.Run(config, 1, TinyModel.Batch([20]));
        var covered = zeros_like(gradient);
        foreach (var matrix in layout.Matrices) covered.narrow(0, matrix.Offset, matrix.Length).fill_(1);
        Assert.Equal(0, (gradient * (1 - covered)).abs().max().ToSingle());
        Assert.Equal(0, (gradient == 7).sum().ToInt64());
    }

    [Fact]
    public void Bf16_gradients_are_near_those_of_fp32()
    {
        using var scope = NewDisposeScope();
        var batch = TinyModel.Batch([70, 33, 200]);
        var config = TinyModel.Config();
        var (single, singleGradient) = TinyModel.Run(config, 4, batch);
        var (half, halfGradient) = TinyModel.Run(config, 4, batch, ScalarType.BFloat16);
        Assert.InRange(TinyModel.Difference(half, single), 0, 0.05);
        Assert.InRange(((halfGradient - singleGradient).norm() / singleGradient.norm()).ToDouble(), 0, 0.05);
    }

    [Fact]
    public void A_batch_without_scored_rows_has_a_zero_gradient()
    {
        using var scope = NewDisposeScope();
        var batch = TinyModel.Batch([1, 1]);
        Assert.Empty(batch.ScoredRows);
        var (logProbabilities, gradient) = TinyModel.Run(TinyModel.Config(), 2, batch);
        Assert.Equal(0, logProbabilities.numel());
        Assert.Equal(0, gradient.abs().max().ToSingle());
    }

    [Fact]
    public void Activations_are_used_up_by_one_backward_pass()
    {
        using var scope = NewDisposeScope();
        var layout = new ParameterMap(TinyModel.Config(), 2);
        using var model = new DecoderModel(layout, TinyModel.Weights(layout));
        var batch = TinyModel.Batch([20]);
        using var activations = model.Forward(batch, keep: true);
        var gradient = zeros([layout.Length]);
        model.Backward(activations, TinyModel.Coefficients(batch), gradient);
        Assert.Throws<InvalidOperationException>(() => model.Backward(activations, TinyModel.Coefficients(batch), gradient));
    }
}
