using System.IO.Hashing;
using System.Runtime.InteropServices;
using Tulu2.Collectives.Layout;
using Tulu2.Models.Families;
using Tulu2.Models.Families.Llama;
using Tulu2.Models.Parameters;
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
        var layout = new ParameterMap(Tiny, shards);
        var gradient = randn(layout.Length, generator: new Generator(3));
        var expected = Math.Sqrt(gradient.data<float>().ToArray().Sum(x => (double)x * x));
        Assert.Equal(expected, Digest(layout, FlatMemory.Address(gradient)).Norm, 1e-12 * expected);
    }

    [Fact]
    public void A_gradient_that_is_not_finite_has_the_same_hash_whichever_NaN_is_in_it_and_another_one_in_another_block()
    {
        using var scope = NewDisposeScope();
        var layout = new ParameterMap(Tiny, 4);
        (double Norm, string Hash) With(long at, uint bits)
        {
            var gradient = randn(layout.Length, generator: new Generator(3));
            FlatMemory.Floats(FlatMemory.Address(gradient), at, 1)[0] = BitConverter.UInt32BitsToSingle(bits);
            return Digest(layout, FlatMemory.Address(gradient));
        }
        const uint Quiet = 0x7FC00000, Negative = 0xFFC00000, Payload = 0x7FC01234, Infinity = 0x7F800000;
        var expected = With(0, Quiet);
        Assert.True(double.IsNaN(expected.Norm));
        Assert.All([Negative, Payload], bits => Assert.Equal(expected, With(0, bits)));
        Assert.Equal((double.PositiveInfinity, expected.Hash), With(0, Infinity));
        Assert.NotEqual(expected.Hash, With(layout.Length - 1, Quiet).Hash);
        // One that is finite counts to the last bit.
        Assert.NotEqual(With(0, 0).Hash, With(0, 1).Hash);
    }

    [Fact]
    public void Every_layout_has_the_norm_and_the_hash_of_the_whole()
    {
        using var scope = NewDisposeScope();
        var whole = new ParameterMap(Wide, 4);
        var gradient = randn(whole.Length, generator: new Generator(3));
        var expected = Digest(whole, FlatMemory.Address(gradient));
        foreach (var (tensor, pipeline, zero) in new[] { (1, 1, 3), (2, 1, 1), (4, 1, 2), (1, 2, 2), (2, 3, 4), (4, 3, 1) })
        {
            var layout = new ParallelLayout(zero, tensor, pipeline, zero);
            var blocks = new GradientBlocks(new ParameterMap(Wide, 4));
            var told = Enumerable.Range(0, layout.Size).Select(rank =>
            {
                var part = new ParameterMap(Wide, 4, ModelPart.Of(Wide, layout, rank));
                var range = ZeroRanges.Of(part, blocks, zero)[layout.ZeroShardOf(rank)];
                var mine = Cut(gradient, whole, part);
                GradientBlock[] measured = [.. blocks.Of(part).Where(block => block.Offset >= range.First && block.Offset < range.End)];
                return GradientDigest.Measure(measured, FlatMemory.Address(mine) + (nint)(sizeof(float) * range.First), range.First);
            }).ToArray();
            Assert.Equal(expected, GradientDigest.Combine(blocks, told));
        }
    }

    [Fact]
    public void A_hash_sees_every_bit_and_where_it_is()
    {
        using var scope = NewDisposeScope();
        var layout = new ParameterMap(Tiny, 4);
        var gradient = randn(layout.Length, generator: new Generator(3));
        var address = FlatMemory.Address(gradient);
        var before = Digest(layout, address).Hash;
        var seen = new HashSet<string> { before };
        foreach (var matrix in layout.Matrices)
        {
            ref var bits = ref MemoryMarshal.Cast<float, uint>(FlatMemory.Floats(address, matrix.Offset + matrix.Length - 1, 1))[0];
            bits ^= 1;
            Assert.True(seen.Add(Digest(layout, address).Hash));
            bits ^= 1;
        }
        Assert.Equal(before, Digest(layout, address).Hash);
        Assert.Equal(2 * XxHash128.Hash([]).Length, before.Length);
    }

    [Fact]
    public void A_block_that_is_missing_or_there_twice_is_found()
    {
        using var scope = NewDisposeScope();
        var layout = new ParameterMap(Tiny, 4);
        var gradient = zeros(layout.Length);
        var blocks = new GradientBlocks(new ParameterMap(Tiny, 4));
        GradientBlock[] all = [.. blocks.Of(layout)];
        byte[] Of(IEnumerable<GradientBlock> some) => GradientDigest.Measure([.. some], FlatMemory.Address(gradient), 0);
        Assert.Contains("by no rank", Assert.Throws<InvalidOperationException>(() => GradientDigest.Combine(blocks, [Of(all.Skip(1))])).Message);
        Assert.Contains("by two ranks", Assert.Throws<InvalidOperationException>(() => GradientDigest.Combine(blocks, [Of(all), Of(all.Take(1))])).Message);
    }

    [Theory]
    [InlineData("tiny", 1)]
    [InlineData("llama2-7b", 4)]
    [InlineData("llama2-70b", 8)]
    public void There_are_few_blocks_however_large_the_model(string preset, int shards) =>
        Assert.InRange(new GradientBlocks(new ParameterMap(ModelPresets.Get(preset), shards)).Count, 1, 90_000);

    [Theory]
    [InlineData(0.5, 1.0, 1.0)]
    [InlineData(4.0, 1.0, 1.0 / (4 + 1e-6))]
    [InlineData(4.0, 0.0, 1.0)]
    public void Clipping_never_makes_a_gradient_longer(double norm, double clip, double factor) => Assert.Equal(factor, GradientNorm.ClipFactor(norm, clip));

    // Matrices of more than one block, and a vocabulary that is padded.
    private static readonly LlamaConfig Wide = Tiny with { Layers = 3, HiddenSize = 128, IntermediateSize = 1024, VocabularySize = 1000 };

    private static (double Norm, string Hash) Digest(ParameterMap layout, nint gradient)
    {
        var blocks = new GradientBlocks(layout);
        return GradientDigest.Combine(blocks, [GradientDigest.Measure([.. blocks.Of(layout)], gradient, 0)]);
    }

    // A part's gradient out of the whole one's, matrix by matrix.
    private static Tensor Cut(Tensor whole, ParameterMap from, ParameterMap part)
    {
        var result = zeros(part.Length);
        foreach (var matrix in part.Matrices)
        {
            var source = from[matrix.Key];
            var matrix_RC = whole.narrow(0, source.Offset, source.Length).view(source.Rows, source.Columns);
            var index = part.Part.TensorIndex;
            var cut = matrix.Split switch
            {
                ShardSplit.Rows => matrix_RC.narrow(0, index * matrix.Rows, matrix.Rows),
                ShardSplit.Columns => matrix_RC.narrow(1, index * matrix.Columns, matrix.Columns),
                _ => matrix_RC,
            };
            result.narrow(0, matrix.Offset, matrix.Length).copy_(cut.reshape(-1));
        }
        return result;
    }
}
