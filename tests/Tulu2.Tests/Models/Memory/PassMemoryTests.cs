using Tulu2.Data.Slots;
using Tulu2.Models.Decoder;
using Tulu2.Models.Memory;
using Tulu2.Models.Parameters;
using Tulu2.Models.Torch;
using Tulu2.Tests.Data.Slots;
using Tulu2.Tests.Models.Decoder;
using Xunit;
using static TorchSharp.torch;

namespace Tulu2.Tests.Models.Memory;

/// <summary>The arithmetic of activations and workspace against what a model really allocates, byte by byte.</summary>
public sealed class PassMemoryTests
{
    public static TheoryData<bool, bool, int, int[]> Shapes => new()
    {
        { false, false, 4, [300, 200, 300] },
        { false, true, 4, [300, 200, 300] },
        { true, false, 4, [300, 200, 300] },
        { true, true, 4, [300, 200, 300] },
        { false, false, 1, [1500] },
        { true, true, 2, [40, 40, 40, 40, 700] },
        { true, false, 4, [2] },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void A_whole_model_allocates_what_was_counted(bool half, bool recompute, int shards, int[] lengths) =>
        AssertWhole(half, recompute, shards, TinyModel.Batch(lengths, vocabulary: 5000, drop: 0));

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void So_it_does_for_pairs_whose_prompt_stands_once(bool half, bool recompute) => AssertWhole(half, recompute, 4,
        new DrawnPairs(5000, [(300, 100, 130), (70, 40, 1), (0, 30, 20), (700, 5, 90), (70, 9, 1)], scoredBefore: 20).Batch(DrawnPairs.All));

    [Fact]
    public void Sharing_needs_no_more_memory_than_is_planned_without_it()
    {
        var layout = new ParameterMap(TinyModel.Config(feedForward: 256, vocabulary: 5000, layers: 3), 4);
        var source = new DrawnPairs(5000, [(300, 100, 130), (300, 101, 99), (20, 60, 60), (700, 5, 90)]);
        var (shared, plain) = (source.Batch(DrawnPairs.All), source.Batch(null));
        PassBytes Of(SlotBatch batch) =>
            PassMemory.Of(new PassShape(layout, 4, false, batch.SegmentLengths, batch.ScoredRows.Length) { Prefixes = batch.Prefixes });
        Assert.InRange(Of(shared).Kept, 1, Of(plain).Kept * 0.8);
        Assert.InRange(Of(shared).Scratch, 1, Of(plain).Scratch);
    }

    public static TheoryData<bool, bool, int, int, double, bool, string?> Adapters => new()
    {
        // half, recompute, shards, rank, dropout, quantised, targets
        { false, false, 4, 8, 0, false, null },
        { true, false, 4, 64, 0.1, false, null },
        { false, true, 1, 200, 0.1, true, null },
        { true, true, 2, 16, 0, true, null },
        { true, false, 4, 300, 0.1, true, "q_proj,v_proj,down_proj" },
        { false, false, 2, 100, 0.1, false, "o_proj,up_proj" },
    };

    [Theory]
    [MemberData(nameof(Adapters))]
    public void So_does_one_with_adapters(bool half, bool recompute, int shards, int rank, double dropout, bool quantized, string? targets)
    {
        var config = TinyModel.Config(feedForward: 256, vocabulary: 5000, layers: 3);
        var parameters = ModelParameters.Adapted(new ParameterMap(config, shards), new AdapterSettings(rank, 16, targets?.Split(',')) { Dropout = dropout }, quantized);
        AssertWhole(half, recompute, parameters, TinyModel.Batch([300, 200, 300], vocabulary: 5000, drop: 0));
    }

    private static void AssertWhole(bool half, bool recompute, int shards, SlotBatch batch) =>
        AssertWhole(half, recompute, new ParameterMap(TinyModel.Config(feedForward: 256, vocabulary: 5000, layers: 3), shards), batch);

    private static void AssertWhole(bool half, bool recompute, ModelParameters layout, SlotBatch batch)
    {
        using var scope = NewDisposeScope();
        var type = half ? ScalarType.BFloat16 : ScalarType.Float32;
        ModelWeights weights = TinyModel.Weights(layout.Read, type);
        if (layout.Adapter is not null) weights = weights with { Adapters = TinyModel.Weights(layout.Trained, type), Quantized = TinyModel.Quantized(layout) };
        using var model = new DecoderModel(layout, weights, recompute);
        using var gradient = zeros([layout.Trained.Length]);
        for (var step = 0; step < 3; step++)
        {
            using var activations = model.Forward(batch, keep: true);
            using var coefficients = TinyModel.Coefficients(batch);
            using var logProbabilities = model.LogProbabilities(activations);
            using var again = model.Backward(activations, coefficients, gradient);
            activations.Dispose();
            AssertCounted(layout, half, recompute, batch, model, flight: 1, first: step == 0);
        }
    }

    [Theory]
    [InlineData(0, false, false)]
    [InlineData(0, true, false)]
    [InlineData(1, true, false)]
    [InlineData(2, false, false)]
    [InlineData(0, false, true)]
    [InlineData(0, true, true)]
    [InlineData(1, true, true)]
    [InlineData(1, false, true)]
    [InlineData(2, false, true)]
    [InlineData(2, true, true)]
    public void So_does_a_stage_with_several_slots_in_flight(int stage, bool recompute, bool split)
    {
        var config = TinyModel.Config(feedForward: 256, vocabulary: 5000, layers: 6);
        var stages = PipelineStages.Split(config, 3);
        var layout = new ParameterMap(config, 4, new ModelPart(1, 2, stages[stage].First, stages[stage].End));
        var batch = TinyModel.Batch([300, 201], vocabulary: 5000, drop: 0);
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        TorchRuntime.Initialize();
        var weights = zeros([layout.Length]);
        using var model = new DecoderModel(layout, weights, recompute, new NoOtherRank(), split);
        var gradient = zeros([layout.Length]);
        var stream_ND = zeros([model.ShareOf(batch), config.HiddenSize]);
        var coefficients = TinyModel.Coefficients(batch);
        for (var step = 0; step < 3; step++)
        {
            var flying = Enumerable.Range(0, 2).Select(_ => model.Forward(batch, keep: true, layout.HasEmbedding ? null : stream_ND)).ToArray();
            foreach (var activations in flying)
            {
                if (layout.HasHead) model.Backward(activations, coefficients, gradient);
                else model.BackwardStage(activations, stream_ND, gradient);
                activations.Dispose();
            }
            AssertCounted(layout, half: false, recompute, batch, model, flight: 2, first: step == 0, split);
        }
    }

    [Theory]
    [InlineData(false, 0.8)]
    [InlineData(true, 0.35)]
    public void Split_activations_are_a_share_of_the_streams_and_all_ranks_together_keep_each_row_once(bool recompute, double atMost)
    {
        var config = TinyModel.Config(feedForward: 256, vocabulary: 5000, layers: 24);
        var sizes = new[] { false, true }.Select(split => Enumerable.Range(0, 4).Select(place =>
            PassMemory.Of(new PassShape(new ParameterMap(config, 4, new ModelPart(place, 4, 1, 23)), 4, recompute, [4001, 3002], 0, split)).Kept).ToArray()).ToArray();
        Assert.All(sizes[1], kept => Assert.InRange(kept, 1, (long)(atMost * sizes[0][0])));
        var streams = 7003L * config.HiddenSize * sizeof(float) * (recompute ? 22 : 2 * 22);
        // Every whole stream once in place of four times, but for the last one, which takes the gradient and is now worked in; tensors begin on cache lines.
        var saved = 3 * streams + 4 * 7003L * config.HiddenSize * sizeof(float);
        Assert.InRange(sizes[0].Sum() - sizes[1].Sum(), saved - 64 * 1024, saved + 64 * 1024);
    }

    private static void AssertCounted(ModelParameters layout, bool half, bool recompute, SlotBatch batch, DecoderModel model, int flight, bool first, bool split = false)
    {
        var shape = new PassShape(layout, half ? 2 : 4, recompute, batch.SegmentLengths, batch.ScoredRows.Length, split) { Prefixes = batch.Prefixes };
        var counted = PassMemory.Of(shape);
        var (kept, scratch) = first ? (counted.Kept + counted.KeptReserve, counted.Scratch + counted.ScratchReserve) : PassMemory.AfterGrowth(shape);
        var (really, worked) = model.AllocatedBytes;
        Assert.Equal(flight * kept, really);
        // A second slot's forward pass gives the first one's scratch its size before a backward pass makes it grow again.
        if (first && flight > 1) Assert.InRange(worked, counted.Scratch, scratch);
        else Assert.Equal(scratch, worked);
        Assert.InRange(counted.Logits, 0, counted.Scratch);
        // Two arenas, neither of which is ever smaller than a chunk.
        Assert.InRange(PassMemory.AfterGrowth(shape).Kept, counted.Kept, counted.Kept + (8 << 21));
    }

    /// <summary>Plays the rest of a group whose sums do not matter.</summary>
    private sealed class NoOtherRank : IShardSum
    {
        public bool Alone => false;

        public void Sum(Tensor partial) { }

        public void Max(Tensor partial) { }

        public void GatherRows(Tensor rows) { }
    }
}
