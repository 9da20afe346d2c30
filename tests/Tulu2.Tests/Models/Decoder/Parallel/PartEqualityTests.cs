using System.Runtime.InteropServices;
using Tulu2.Collectives;
using Tulu2.Models.Decoder;
using Tulu2.Models.Kernels;
using Tulu2.Models.Parameters;
using Tulu2.Models.Torch;
using Xunit;
using static TorchSharp.torch;

namespace Tulu2.Tests.Models.Decoder.Parallel;

/// <summary>Tensor-parallel ranks and pipeline stages against the whole model: not a bit may differ.</summary>
public sealed class PartEqualityTests
{
    public static TheoryData<int, int, ScalarType, bool> Cuts
    {
        get
        {
            var cuts = new TheoryData<int, int, ScalarType, bool>();
            foreach (var type in (ScalarType[])[ScalarType.Float32, ScalarType.BFloat16])
                foreach (var (tensor, pipeline, recompute) in ((int, int, bool)[])[
                    (2, 1, false), (4, 1, false), (4, 1, true), (1, 2, false), (1, 3, true), (2, 2, true), (2, 3, false), (4, 2, false)])
                    cuts.Add(tensor, pipeline, type, recompute);
            return cuts;
        }
    }

    [Theory]
    [MemberData(nameof(Cuts))]
    public void Ranks_that_share_a_model_give_its_log_probabilities_and_gradients(int tensor, int pipeline, ScalarType type, bool recompute)
    {
        using var scope = NewDisposeScope();
        var config = TinyModel.Config(layers: 3);
        // An odd length, unequal segments, and fewer rows than the model computes with.
        var batches = new[] { TinyModel.Batch([100]), TinyModel.Batch([70, 33, 130, 33], seed: 3), TinyModel.Batch([3], drop: 0) };
        using var weights = TinyModel.Weights(new ParameterMap(config, 4), type);
        Same(PartRun.Whole(config, 4, weights, batches), PartRun.Parts(config, 4, tensor, pipeline, weights, batches, recompute));
    }

    [Theory]
    [InlineData(2, 1, false)]
    [InlineData(4, 1, true)]
    [InlineData(4, 2, false)]
    [InlineData(2, 3, true)]
    public void So_they_do_where_each_keeps_only_its_share_of_the_rows(int tensor, int pipeline, bool recompute)
    {
        using var scope = NewDisposeScope();
        var config = TinyModel.Config(layers: 3);
        var batches = new[] { TinyModel.Batch([101]), TinyModel.Batch([70, 33, 130, 34], seed: 3), TinyModel.Batch([3], drop: 0) };
        foreach (var type in (ScalarType[])[ScalarType.Float32, ScalarType.BFloat16])
        {
            using var weights = TinyModel.Weights(new ParameterMap(config, 4), type);
            Same(PartRun.Whole(config, 4, weights, batches), PartRun.Parts(config, 4, tensor, pipeline, weights, batches, recompute, split: true));
        }
    }

    [Theory]
    [InlineData(8, 2, ScalarType.Float32)]
    [InlineData(8, 4, ScalarType.BFloat16)]
    [InlineData(8, 8, ScalarType.Float32)]
    [InlineData(2, 2, ScalarType.BFloat16)]
    public void Long_segments_that_ranks_cut_into_other_tiles_of_heads_give_the_same_bits(int shards, int tensor, ScalarType type)
    {
        using var scope = NewDisposeScope();
        var config = TinyModel.Config(heads: 16, keyValueHeads: 8, feedForward: 128, layers: 1);
        var batches = new[] { TinyModel.Batch([700, 40, 700]) };
        using var weights = TinyModel.Weights(new ParameterMap(config, shards), type);
        Same(PartRun.Whole(config, shards, weights, batches), PartRun.Parts(config, shards, tensor, 1, weights, batches));
    }

    [Theory]
    [InlineData(2, ScalarType.BFloat16)]
    [InlineData(4, ScalarType.Float32)]
    public void A_head_that_is_computed_in_row_chunks_is_chunked_alike_on_all_ranks(int tensor, ScalarType type)
    {
        using var scope = NewDisposeScope();
        var config = TinyModel.Config(vocabulary: 32000, layers: 1);
        var batches = new[] { TinyModel.Batch([100, 60], vocabulary: 32000, drop: 0) };
        Assert.True(VocabularyHead.Chunks(batches[0].ScoredRows.Length, config.VocabularySize).Count() > 1);
        using var weights = TinyModel.Weights(new ParameterMap(config, 4), type);
        Same(PartRun.Whole(config, 4, weights, batches), PartRun.Parts(config, 4, tensor, 1, weights, batches));
    }

    [Theory]
    [InlineData(2, 1, ScalarType.Float32, false)]
    [InlineData(4, 1, ScalarType.BFloat16, true)]
    [InlineData(4, 2, ScalarType.Float32, false)]
    public void A_padded_vocabulary_gives_the_same_bits_on_any_number_of_ranks(int tensor, int pipeline, ScalarType type, bool tied)
    {
        using var scope = NewDisposeScope();
        // Of four shards of 32 rows the third holds 6 tokens and the last one none.
        var config = TinyModel.Config(tied, vocabulary: 70);
        var batches = new[] { TinyModel.Batch([40, 61], vocabulary: 70), TinyModel.Batch([1, 1], vocabulary: 70) };
        using var weights = TinyModel.Weights(new ParameterMap(config, 4), type);
        Same(PartRun.Whole(config, 4, weights, batches), PartRun.Parts(config, 4, tensor, pipeline, weights, batches));
    }

    [Theory]
    [InlineData(ScalarType.Float32, 1e-5)]
    [InlineData(ScalarType.BFloat16, 0.05)]
    public void Parts_of_tensor_operations_are_near_the_vector_code(ScalarType type, double tolerance)
    {
        using var scope = NewDisposeScope();
        var config = TinyModel.Config(vocabulary: 70);
        var batches = new[] { TinyModel.Batch([40, 61], vocabulary: 70) };
        using var weights = TinyModel.Weights(new ParameterMap(config, 4), type);
        var expected = PartRun.Whole(config, 4, weights, batches);
        var actual = PartRun.Parts(
            config, 4, 4, 2, weights, batches, kernels: layout => new TorchKernels(HeadGeometry.Of(layout), new RotaryTable(config.HeadSize, config.RopeTheta, 8)));
        Near(expected.LogProbabilities[0], actual.LogProbabilities[0]);
        foreach (var (name, values) in expected.Gradients) Near(values, actual.Gradients[name]);

        void Near(float[] one, float[] other) => Assert.InRange(TinyModel.Difference(tensor(other), tensor(one)), 0, tolerance);
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void A_sum_in_another_order_gives_other_bits(ScalarType type)
    {
        using var scope = NewDisposeScope();
        var config = TinyModel.Config(layers: 3);
        var batches = new[] { TinyModel.Batch([100]) };
        using var weights = TinyModel.Weights(new ParameterMap(config, 4), type);
        var whole = PartRun.Whole(config, 4, weights, batches);
        var parts = PartRun.Parts(config, 4, 4, 1, weights, batches, join: group => new CrossedSum(group));
        Assert.Equal(whole.Gradients.Keys.Order(), parts.Gradients.Keys.Order());
        Assert.Contains(whole.Gradients, pair => !Bits(pair.Value).SequenceEqual(Bits(parts.Gradients[pair.Key])));
    }

    internal static void Same(PartResult expected, PartResult actual)
    {
        Assert.Equal(expected.LogProbabilities.Select(Bits), actual.LogProbabilities.Select(Bits));
        Assert.Equal(expected.Gradients.Keys.Order(), actual.Gradients.Keys.Order());
        foreach (var (name, values) in expected.Gradients)
        {
            var other = actual.Gradients[name];
            if (MemoryMarshal.AsBytes(values.AsSpan()).SequenceEqual(MemoryMarshal.AsBytes(other.AsSpan()))) continue;
            var different = Bits(values).Zip(Bits(other)).Count(pair => pair.First != pair.Second);
            Assert.Fail($"{name}: {different} of {values.Length} elements have other bits");
        }
    }

    private static uint[] Bits(float[] values) => [.. values.Select(BitConverter.SingleToUInt32Bits)];

    /// <summary>Adds up ranks 0 and 2, and 1 and 3, before it adds the sums.</summary>
    private sealed class CrossedSum(ICollective group) : IShardSum
    {
        private readonly PartRun.GroupSum _pair = new(group.Group(group.Rank % 2 == 0 ? [0, 2] : [1, 3])), _other = new(group.Group(group.Rank < 2 ? [0, 1] : [2, 3]));
        private readonly PartRun.GroupSum _all = new(group);

        public bool Alone => false;

        public void Sum(Tensor partial)
        {
            _pair.Sum(partial);
            _other.Sum(partial);
        }

        public void Max(Tensor partial) => _all.Max(partial);

        public void GatherRows(Tensor rows) => _all.GatherRows(rows);
    }
}
