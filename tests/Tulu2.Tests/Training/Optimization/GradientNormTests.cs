using Tulu2.Models.Llama;
using Tulu2.Training.Optimization;
using Xunit;
using static TorchSharp.torch;

namespace Tulu2.Tests.Training.Optimization;

public class GradientNormTests
{
    internal static readonly LlamaConfig Tiny = new()
    {
        HiddenSize = 64,
        IntermediateSize = 128,
        Layers = 2,
        Heads = 4,
        KeyValueHeads = 4,
        HeadSize = 16,
        VocabularySize = 128,
        InitializerRange = 0.05,
    };

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public void The_norm_is_the_plain_one(int shards)
    {
        using var scope = NewDisposeScope();
        var layout = new FlatLayout(Tiny, shards);
        var gradient = randn(layout.Length, generator: new Generator(3));
        var expected = Math.Sqrt(gradient.data<float>().ToArray().Sum(x => (double)x * x));
        Assert.Equal(expected, GradientNorm.Of(layout, FlatMemory.Address(gradient)), 1e-12 * expected);
    }

    [Fact]
    public void A_column_shard_s_sum_is_the_same_when_the_shard_stands_alone()
    {
        using var scope = NewDisposeScope();
        var layout = new FlatLayout(Tiny, 4);
        var gradient = randn(layout.Length, generator: new Generator(3));
        var matrix = layout["0.down"];
        var whole = gradient.narrow(0, matrix.Offset, matrix.Length).view(matrix.Rows, matrix.Columns);
        for (var shard = 0; shard < 4; shard++)
        {
            var alone = whole.narrow(1, shard * 32, 32).contiguous();
            var standing = new FlatMatrix("alone", 0, matrix.Rows, 32, ShardSplit.Columns);
            Assert.Equal(
                GradientNorm.Shard(standing, 0, 1, FlatMemory.Address(alone)),
                GradientNorm.Shard(matrix, shard, 4, FlatMemory.Address(gradient)));
        }
    }

    [Theory]
    [InlineData(0.5, 1.0, 1.0)]
    [InlineData(4.0, 1.0, 1.0 / (4 + 1e-6))]
    [InlineData(4.0, 0.0, 1.0)]
    public void Clipping_never_makes_a_gradient_longer(double norm, double clip, double factor) => Assert.Equal(factor, GradientNorm.ClipFactor(norm, clip));
}
