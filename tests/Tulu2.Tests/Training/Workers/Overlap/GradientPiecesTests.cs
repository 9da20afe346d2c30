using Tulu2.Collectives.Layout;
using Tulu2.Models.Decoder;
using Tulu2.Models.Parameters;
using Tulu2.Tests.Models.Decoder;
using Tulu2.Training.Optimization;
using Tulu2.Training.Steps;
using Xunit;
using static TorchSharp.torch;

namespace Tulu2.Tests.Training.Workers.Overlap;

public sealed class GradientPiecesTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 1)]
    [InlineData(1, 2)]
    [InlineData(2, 2)]
    [InlineData(4, 4)]
    public void Pieces_go_from_the_top_down_leave_nothing_out_and_cut_no_block_that_is_measured(int tensor, int pipeline)
    {
        var config = TinyModel.Config(layers: 4);
        var parallel = new ParallelLayout(1, tensor, pipeline);
        var blocks = new GradientBlocks(new ParameterMap(config, 4));
        for (var rank = 0; rank < parallel.Size; rank++)
        {
            var part = new ParameterMap(config, 4, ModelPart.Of(config, parallel, rank));
            foreach (var fewest in new long?[] { null, 1, 10_000, 100_000, long.MaxValue })
            {
                var pieces = GradientPieces.Of(part, fewest);
                Assert.Equal(part.Length, pieces[0].End);
                Assert.Equal(0, pieces[^1].First);
                Assert.All(pieces.Zip(pieces.Skip(1)), pair => Assert.Equal(pair.First.First, pair.Second.End));
                Assert.All(pieces.SkipLast(1), piece => Assert.True(piece.Count >= (fewest ?? 1 << 14)));
                Assert.All(blocks.Of(part), block => Assert.Single(pieces, piece =>
                    piece.First <= block.Offset && block.Offset + (block.Rows - 1) * block.Stride + block.Columns <= piece.End));
            }
            var most = part.Part.Layers + (part.HasHead ? 1 : 0) + (part.HasEmbedding ? 1 : 0);
            Assert.Equal(most, GradientPieces.Of(part, 1).Count);
        }
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void What_a_backward_pass_calls_final_is_final_and_ends_where_pieces_do(bool tied, bool recompute)
    {
        using var scope = NewDisposeScope();
        var layout = new ParameterMap(TinyModel.Config(tied, vocabulary: 70), 4);
        using var weights = TinyModel.Weights(layout, ScalarType.Float32);
        using var model = new DecoderModel(layout, weights, recompute);
        var batch = TinyModel.Batch([30, 17], vocabulary: 70);
        var gradient = full([layout.Length], float.NaN);
        var seen = new List<(long From, float[] Values)>();
        using var activations = model.Forward(batch, keep: true);
        model.Backward(activations, TinyModel.Coefficients(batch), gradient, from => seen.Add((from, gradient.narrow(0, from, layout.Length - from).data<float>().ToArray())));

        var all = gradient.data<float>().ToArray();
        Assert.DoesNotContain(all, float.IsNaN);
        Assert.Equal(GradientPieces.Of(layout, 1).Select(piece => piece.First), seen.Select(report => report.From));
        foreach (var (from, values) in seen) Assert.True(values.AsSpan().SequenceEqual(all.AsSpan((int)from)), $"changed after {from}");
    }
}
