using TorchSharp;
using Tulu2.Data.Slots;
using Tulu2.Models.Decoder;
using Tulu2.Models.Kernels;
using Tulu2.Models.Parameters;
using Tulu2.Models.Torch;
using Tulu2.Tests.Data.Slots;
using Tulu2.Tests.Models.Decoder.Parallel;
using Xunit;
using static TorchSharp.torch;

namespace Tulu2.Tests.Models.Decoder;

/// <summary>Pairs whose prompt is computed once, against the same pairs with a prompt for each side.</summary>
public sealed class SharedPrefixTests
{
    /// <summary>Nothing in common, an answer that is empty after it, one and two tokens, and lengths on and beside the ends of blocks of queries.</summary>
    private static readonly (int Common, int Chosen, int Rejected)[] Pairs =
    [
        (0, 20, 33), (1, 1, 1), (7, 0, 12), (9, 12, 0), (23, 9, 9), (40, 70, 55), (63, 2, 90), (64, 1, 1), (65, 31, 32), (90, 7, 7), (95, 2, 3), (97, 1, 150),
        (127, 66, 65), (128, 1, 130), (129, 128, 2), (191, 3, 1), (200, 3, 57), (250, 10, 7), (256, 33, 1), (300, 200, 260),
        (380, 10, 60), (500, 100, 180), (980, 30, 200), (1100, 90, 40),
    ];

    public static TheoryData<ScalarType, int, int, int> Shapes
    {
        get
        {
            var shapes = new TheoryData<ScalarType, int, int, int>();
            foreach (var type in (ScalarType[])[ScalarType.Float32, ScalarType.BFloat16])
                foreach (var (heads, keyValueHeads, headSize) in ((int, int, int)[])[(8, 4, 16), (4, 4, 32), (6, 1, 24), (4, 2, 64), (2, 1, 128), (8, 8, 8)])
                    shapes.Add(type, heads, keyValueHeads, headSize);
            return shapes;
        }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Log_probabilities_are_those_of_each_side_with_a_prompt_of_its_own(ScalarType type, int heads, int keyValueHeads, int headSize)
    {
        using var scope = NewDisposeScope();
        var layout = new ParameterMap(TinyModel.Config(false, heads, keyValueHeads, headSize), 1);
        using var model = new DecoderModel(layout, TinyModel.Weights(layout, type));
        foreach (var before in new[] { 0, 12 })
        {
            var source = new DrawnPairs(128, Pairs, scoredBefore: before);
            Assert.Equal(Bits(model, source.Batch(null)), Bits(model, source.Batch(SharedPrefix.RuleOf(type))));
        }
        // Alone, where whatever depends on a batch's size would show: each pair with some of the shapes.
        foreach (var (index, pair) in Pairs.Index())
        {
            if ((index + heads + keyValueHeads + headSize + (type == ScalarType.BFloat16 ? 2 : 0)) % 4 > 0) continue;
            var source = new DrawnPairs(128, [pair], scoredBefore: 3);
            Assert.True(Bits(model, source.Batch(null)).SequenceEqual(Bits(model, source.Batch(SharedPrefix.RuleOf(type)))), $"{pair}");
        }
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void So_they_are_where_sides_are_padded(ScalarType type)
    {
        using var scope = NewDisposeScope();
        var layout = new ParameterMap(TinyModel.Config(), 4);
        using var model = new DecoderModel(layout, TinyModel.Weights(layout, type));
        var source = new DrawnPairs(128, [(40, 70, 55), (0, 20, 33), (110, 0, 3), (64, 3, 1)]);
        Assert.Equal(Bits(model, source.Batch(null, packing: false)), Bits(model, source.Batch(SharedPrefix.RuleOf(type), packing: false)));
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void Drawn_lengths_make_no_difference(ScalarType type)
    {
        using var scope = NewDisposeScope();
        var layout = new ParameterMap(TinyModel.Config(heads: 4, keyValueHeads: 2, layers: 1), 2);
        using var model = new DecoderModel(layout, TinyModel.Weights(layout, type));
        for (var seed = 0; seed < 12; seed++)
        {
            var source = DrawnPairs.OfCount(6, 128, longest: 30 + 70 * seed, seed, scoredBefore: seed);
            Assert.Equal(Bits(model, source.Batch(null)), Bits(model, source.Batch(SharedPrefix.RuleOf(type))));
        }
    }

    [Theory]
    [InlineData(1, 8, 4, 16)]
    [InlineData(4, 4, 4, 32)]
    [InlineData(1, 6, 1, 24)]
    public void The_gradient_is_that_of_autograd_over_separate_sides(int shards, int heads, int keyValueHeads, int headSize)
    {
        using var scope = NewDisposeScope();
        var config = TinyModel.Config(false, heads, keyValueHeads, headSize);
        var layout = new ParameterMap(config, shards);
        var source = new DrawnPairs(128, [(70, 33, 20), (0, 5, 9), (130, 66, 3), (64, 0, 40), (30, 8, 0)], scoredBefore: 4);
        var (logProbabilities, gradient) = TinyModel.Run(config, shards, source.Batch(DrawnPairs.All));

        var plain = source.Batch(null);
        using var oracle = new AutogradLlama(layout, TinyModel.Weights(layout));
        var (expected, expectedGradient) = oracle.Run(plain, TinyModel.Coefficients(plain));
        Assert.InRange(TinyModel.Difference(logProbabilities, expected), 0, 2e-6);
        foreach (var matrix in layout.Matrices)
        {
            Tensor Of(Tensor flat) => flat.narrow(0, matrix.Offset, matrix.Length);
            var difference = TinyModel.Difference(Of(gradient), Of(expectedGradient));
            Assert.True(difference < 1e-5, $"{matrix.Key}: {difference}");
        }
    }

    /// <summary>Above the blocks the same rows are scored in the same order; below, a prompt's rows get the sum of both sides' gradients.</summary>
    [Theory]
    [InlineData(ScalarType.Float32, 1e-5)]
    [InlineData(ScalarType.BFloat16, 0.05)]
    public void Gradients_of_head_and_last_norm_are_the_same_bits_and_the_others_are_near(ScalarType type, double tolerance)
    {
        using var scope = NewDisposeScope();
        var layout = new ParameterMap(TinyModel.Config(), 4);
        var source = new DrawnPairs(128, Pairs);
        var (_, plain) = TinyModel.Run(TinyModel.Config(), 4, source.Batch(null), type);
        var (_, shared) = TinyModel.Run(TinyModel.Config(), 4, source.Batch(SharedPrefix.RuleOf(type)), type);
        foreach (var matrix in layout.Matrices)
        {
            Tensor Of(Tensor flat) => flat.narrow(0, matrix.Offset, matrix.Length);
            if (matrix.Key is "head" or "norm") Assert.Equal(TinyModel.Hash(Of(plain)), TinyModel.Hash(Of(shared)));
            else Assert.InRange(((Of(shared) - Of(plain)).norm() / Of(plain).norm()).ToDouble(), 0, tolerance);
        }
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void The_sides_of_a_pair_do_not_see_each_other(ScalarType type)
    {
        using var scope = NewDisposeScope();
        var layout = new ParameterMap(TinyModel.Config(), 4);
        using var model = new DecoderModel(layout, TinyModel.Weights(layout, type));
        var source = new DrawnPairs(128, [(70, 60, 30)]);
        float[][] Sides()
        {
            var batch = source.Batch(DrawnPairs.All);
            var values = TinyModel.LogProbabilities(model, batch);
            return [.. new[] { 0, 1 }.Select(side => values.Where((_, r) => batch.ScoredSegments[r] == side).ToArray())];
        }
        var before = Sides();
        source.Change(1, 75, (source.Ids(1)[75] + 1) % 128);
        var rejected = Sides();
        Assert.Equal(before[0], rejected[0]);
        Assert.NotEqual(before[1], rejected[1]);
        Assert.Equal(before[1][..5], rejected[1][..5]);
        source.Change(0, 72, (source.Ids(0)[72] + 1) % 128);
        var chosen = Sides();
        Assert.NotEqual(rejected[0], chosen[0]);
        Assert.Equal(rejected[1], chosen[1]);
    }

    [Theory]
    [InlineData(ScalarType.Float32, false)]
    [InlineData(ScalarType.BFloat16, false)]
    [InlineData(ScalarType.Float32, true)]
    [InlineData(ScalarType.BFloat16, true)]
    public void Ranks_and_stages_and_recomputed_blocks_give_the_bits_of_one_rank(ScalarType type, bool recompute)
    {
        using var scope = NewDisposeScope();
        var config = TinyModel.Config(layers: 3);
        // A second batch of fewer rows than the model computes with.
        SlotBatch[] batches = [new DrawnPairs(128, Pairs[3..12]).Batch(DrawnPairs.All), new DrawnPairs(128, [(5, 2, 1)]).Batch(DrawnPairs.All)];
        using var weights = TinyModel.Weights(new ParameterMap(config, 4), type);
        var whole = PartRun.Whole(config, 4, weights, batches);
        foreach (var (tensor, pipeline, split) in ((int, int, bool)[])[(1, 3, false), (2, 1, true), (4, 2, false), (4, 1, true)])
            PartEqualityTests.Same(whole, PartRun.Parts(config, 4, tensor, pipeline, weights, batches, recompute, split: split));
    }

    [Theory]
    [InlineData(ScalarType.Float32, 2e-6)]
    [InlineData(ScalarType.BFloat16, 0.05)]
    public void A_step_of_tensor_operations_equals_one_of_vector_code(ScalarType type, double tolerance)
    {
        using var scope = NewDisposeScope();
        var config = TinyModel.Config(tied: true);
        var layout = new ParameterMap(config, 4);
        var weights = TinyModel.Weights(layout, type);
        var batch = new DrawnPairs(128, [(70, 33, 20), (130, 66, 3), (70, 33, 20), (30, 8, 0)]).Batch(DrawnPairs.All);
        using var model = new DecoderModel(layout, weights);
        using var other = new DecoderModel(
            layout, weights, false, AllShardsHere.Instance, new TorchKernels(new HeadGeometry(config, 4), new RotaryTable(16, 10000, 8)));
        var (expected, expectedGradient) = TinyModel.Run(model, batch);
        var (actual, actualGradient) = TinyModel.Run(other, batch);
        Assert.InRange(TinyModel.Difference(actual, expected), 0, tolerance);
        Assert.InRange(TinyModel.Difference(actualGradient, expectedGradient), 0, tolerance);
    }

    [Theory]
    [InlineData(ScalarType.Float32, 7, 7, 20, 0)]       // Products of a few rows or columns.
    [InlineData(ScalarType.BFloat16, 7, 7, 20, 0)]
    [InlineData(ScalarType.Float32, 90, 95, 200, 90)]   // No sum of more than 192 terms.
    [InlineData(ScalarType.Float32, 190, 191, 900, 190)]
    [InlineData(ScalarType.Float32, 225, 230, 900, 192)]    // The last block of 230 would have 256 keys.
    [InlineData(ScalarType.Float32, 225, 256, 900, 225)]
    [InlineData(ScalarType.Float32, 225, 230, 230, 225)]
    [InlineData(ScalarType.Float32, 130, 131, 132, 128)]    // A last block of three queries.
    [InlineData(ScalarType.BFloat16, 225, 230, 900, 225)]
    [InlineData(ScalarType.BFloat16, 260, 261, 900, 256)]
    [InlineData(ScalarType.Float32, 0, 40, 50, 0)]
    public void A_part_of_what_is_common_is_shared_where_all_of_it_would_have_other_bits(ScalarType type, int common, int one, int other, int shared)
    {
        Assert.Equal(shared, SharedPrefix.RuleOf(type)(common, one, other));
        Assert.Equal(shared, SharedPrefix.RuleOf(type)(common, other, one));
    }

    [Fact]
    public void Groups_with_a_prefix_come_last_and_a_prefix_has_to_be_there()
    {
        var groups = SegmentGroup.Of([5, 3, 9, 6, 7, 1, 4, 0], [0, 4, 0, 1, 0, 0, 1, 0]);
        Assert.Equal([(0, 1), (0, 5), (0, 7), (0, 9), (1, 5), (1, 7), (4, 7)], groups.Select(group => (group.Prefix, group.Length)));
        Assert.Equal([0, 1, 6, 13, 22, 27, 34], groups.Select(group => group.Offset));
        Assert.Equal([0, 1, 2, 3, 5, 6, 7], Enumerable.Range(0, 7).Select(token => groups[6].Row(0, token)));
        Assert.Throws<ArgumentException>(() => SegmentGroup.Of([5, 3], [1, 0]));
        Assert.Throws<ArgumentException>(() => SegmentGroup.Of([5, 3], [0, 6]));
        Assert.Throws<ArgumentException>(() => SegmentGroup.Of([5, 3, 2], [0, 2, 1]));
    }

    private static int[] Bits(DecoderModel model, SlotBatch batch) =>
        Array.ConvertAll(TinyModel.LogProbabilities(model, batch), BitConverter.SingleToInt32Bits);
}
