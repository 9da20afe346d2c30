using TorchSharp;
using Tulu2.Collectives.Layout;
using Tulu2.Models.Decoder;
using Tulu2.Models.Parameters;
using Tulu2.Models.Torch;
using Xunit;
using static TorchSharp.torch;

namespace Tulu2.Tests.Models.Decoder.Parallel;

/// <summary>What a rank that keeps only its rows of the residual streams holds, and what it leaves behind when a gather is broken off.</summary>
public sealed class SplitStreamTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_gather_that_is_broken_off_leaves_no_tensor_behind_and_the_model_can_begin_again(bool recompute)
    {
        using var scope = NewDisposeScope();
        var layout = new ParameterMap(TinyModel.Config(layers: 3), 4, new ModelPart(1, 4, 0, 3));
        using var weights = TinyModel.Weights(layout);
        var group = new FilledRows(layout.Part);
        using var model = new DecoderModel(layout, weights, recompute, group, splitActivations: true);
        using var gradient = zeros([layout.Length]);
        var batch = TinyModel.Batch([40, 9]);
        using var coefficients = TinyModel.Coefficients(batch);
        var expected = Step();
        Assert.Equal(recompute ? 3 : 6, group.Gathers);

        var before = Alive();
        for (var last = 1; last <= (recompute ? 3 : 6); last++)
        {
            (group.Gathers, group.Last) = (0, last);
            Assert.Throws<TimeoutException>(() => Step());
            Assert.Equal(before, Alive());
        }
        group.Last = null;
        Assert.Equal(expected, Step());

        string Step()
        {
            using var kept = model.Forward(batch, keep: true);
            model.Backward(kept, coefficients, gradient).Dispose();
            return TinyModel.Hash(gradient);
        }
    }

    [Fact]
    public void A_stage_s_streams_are_gone_with_its_next_pass_and_its_activations_are_not()
    {
        using var scope = NewDisposeScope();
        var layout = new ParameterMap(TinyModel.Config(layers: 3), 4, new ModelPart(0, 2, 1, 2));
        using var weights = TinyModel.Weights(layout);
        using var model = new DecoderModel(layout, weights, group: new FilledRows(layout.Part), splitActivations: true);
        Tensor gradient = zeros([layout.Length]), stream = ones([50, 64]);
        var batch = TinyModel.Batch([60, 40]);
        Steps();
        var before = Alive();
        Steps();
        Assert.Equal(before, Alive());

        void Steps()
        {
            using Activations one = model.Forward(batch, keep: true, stream), two = model.Forward(batch, keep: true, stream);
            Assert.Contains("gone with the model's next pass", Assert.Throws<InvalidOperationException>(() => one.Output_SD).Message);
            Assert.Equal([50, 64], two.Output_SD.shape);
            model.BackwardStage(one, stream, gradient);
            Assert.Throws<InvalidOperationException>(() => two.Output_SD);
            Assert.Equal([50, 64], one.InputGradient_SD.shape);
            model.BackwardStage(two, stream, gradient);
            Assert.Throws<InvalidOperationException>(() => one.InputGradient_SD);
            Assert.Equal([50, 64], two.InputGradient_SD.shape);
            Assert.Contains("has run already", Assert.Throws<InvalidOperationException>(() => model.BackwardStage(two, stream, gradient)).Message);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_a_model_keeps_shrinks_by_the_others_rows(bool recompute)
    {
        using var scope = NewDisposeScope();
        var config = TinyModel.Config(layers: 24);
        var layout = new ParameterMap(config, 4, new ModelPart(0, 4, 0, 23));
        using var weights = TinyModel.Weights(layout);
        long whole = Kept(split: false), share = Kept(split: true);
        var stream = 6000L * config.HiddenSize * sizeof(float);
        // Of 23 inputs, without recomputation also 23 middles, a quarter; and no stream for the gradient, which is worked in.
        var saved = (recompute ? 23 : 46) * stream * 3 / 4 + stream;
        Assert.InRange(whole - share, saved - (1 << 20), saved + (1 << 20));

        long Kept(bool split)
        {
            using var model = new DecoderModel(layout, weights, recompute, new FilledRows(layout.Part), split);
            var batch = TinyModel.Batch([.. Enumerable.Repeat(60, 100)]);
            for (var step = 0; step < 2; step++) model.Forward(batch, keep: true).Dispose();
            return model.AllocatedBytes.Kept;
        }
    }

    /// <summary>Adds nothing, and gathers ones for the other ranks' rows, or fails.</summary>
    private sealed class FilledRows(ModelPart part) : IShardSum
    {
        public int Gathers { get; set; }
        public int? Last { get; set; }

        public bool Alone => false;

        public void Sum(Tensor partial) { }

        public void Max(Tensor partial) { }

        public void GatherRows(Tensor rows)
        {
            if (++Gathers == Last) throw new TimeoutException();
            using var scope = NewDisposeScope();
            for (var other = 0; other < part.TensorDegree; other++)
            {
                if (other == part.TensorIndex) continue;
                var (first, count) = RowShares.Of(rows.shape[0], other, part.TensorDegree);
                rows.narrow(0, first, count).fill_(1);
            }
        }
    }

    /// <summary>Tensors of this thread that are not disposed.</summary>
    private static long Alive() => DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;
}
