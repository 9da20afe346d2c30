using Tulu2.Models.Decoder;
using Tulu2.Models.Kernels;
using Tulu2.Models.Parameters;
using Xunit;
using static TorchSharp.torch;

namespace Tulu2.Tests.Models.Decoder;

/// <summary>What must not change a bit.</summary>
public sealed class EqualBitsTests
{
    private static readonly int[] Lengths = [90, 40, 130, 40, 17, 300];

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void A_packed_segment_has_the_log_probabilities_it_has_alone(ScalarType type)
    {
        using var scope = NewDisposeScope();
        var layout = new ParameterMap(TinyModel.Config(), 4);
        using var model = new DecoderModel(layout, TinyModel.Weights(layout, type));
        var batch = TinyModel.Batch(Lengths);
        var packed = TinyModel.LogProbabilities(model, batch);
        for (var s = 0; s < Lengths.Length; s++)
            Assert.Equal(TinyModel.LogProbabilities(model, TinyModel.Pick(batch, s)), packed.Where((_, r) => batch.ScoredSegments[r] == s));
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void Neighbours_and_order_do_not_matter(ScalarType type)
    {
        using var scope = NewDisposeScope();
        var layout = new ParameterMap(TinyModel.Config(tied: true), 2);
        using var model = new DecoderModel(layout, TinyModel.Weights(layout, type));
        var batch = TinyModel.Batch(Lengths);
        var forward = TinyModel.LogProbabilities(model, TinyModel.Pick(batch, 5, 1, 3));
        var backward = TinyModel.LogProbabilities(model, TinyModel.Pick(batch, 3, 0, 2, 1, 5));
        int[] scored = [.. Enumerable.Range(0, Lengths.Length).Select(s => batch.ScoredSegments.Count(x => x == s))];
        Assert.Equal(forward[..scored[5]], backward[^scored[5]..]);
        Assert.Equal(forward[^scored[3]..], backward[..scored[3]]);
    }

    [Theory]
    [InlineData(ScalarType.Float32, 1)]
    [InlineData(ScalarType.Float32, 4)]
    [InlineData(ScalarType.BFloat16, 4)]
    public void Recomputing_blocks_changes_nothing(ScalarType type, int shards)
    {
        using var scope = NewDisposeScope();
        var batch = TinyModel.Batch(Lengths);
        var (kept, keptGradient) = TinyModel.Run(TinyModel.Config(), shards, batch, type);
        var (again, againGradient) = TinyModel.Run(TinyModel.Config(), shards, batch, type, recompute: true);
        Assert.Equal(TinyModel.Hash(kept), TinyModel.Hash(again));
        Assert.Equal(TinyModel.Hash(keptGradient), TinyModel.Hash(againGradient));
    }

    [Fact]
    public void The_backward_pass_returns_the_log_probabilities_of_the_forward_pass_and_repeats_itself()
    {
        using var scope = NewDisposeScope();
        var layout = new ParameterMap(TinyModel.Config(), 4);
        using var model = new DecoderModel(layout, TinyModel.Weights(layout));
        var batch = TinyModel.Batch(Lengths);
        var (first, firstGradient) = TinyModel.Run(model, batch);
        TinyModel.Run(model, TinyModel.Batch([400, 3]));
        var (second, secondGradient) = TinyModel.Run(model, batch);
        Assert.Equal(TinyModel.LogProbabilities(model, batch), first.data<float>().ToArray());
        Assert.Equal(TinyModel.Hash(first), TinyModel.Hash(second));
        Assert.Equal(TinyModel.Hash(firstGradient), TinyModel.Hash(secondGradient));
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void Log_probabilities_do_not_depend_on_how_the_scored_rows_are_chunked(ScalarType type)
    {
        using var scope = NewDisposeScope();
        // A vocabulary so large that its row chunks are short.
        var config = TinyModel.Config(vocabulary: 32768, layers: 1);
        var layout = new ParameterMap(config, 4);
        using var model = new DecoderModel(layout, TinyModel.Weights(layout, type));
        var batch = TinyModel.Batch([200, 60, 30], vocabulary: config.VocabularySize, drop: 0);
        Assert.True(VocabularyHead.Chunks(batch.ScoredRows.Length, config.VocabularySize).Count() > 1);
        var whole = TinyModel.LogProbabilities(model, batch);
        Assert.Equal(TinyModel.LogProbabilities(model, TinyModel.Pick(batch, 1, 2)), whole[199..]);
    }

    [Fact]
    public void Head_chunks_cover_the_rows_and_never_end_with_a_short_one()
    {
        for (var rows = 1; rows < 600; rows++)
        {
            var chunks = VocabularyHead.Chunks(rows, 32000).ToArray();
            Assert.Equal(rows, chunks.Sum(chunk => chunk.Count));
            Assert.True(chunks.Length == 1 || chunks[^1].Count >= 16);
        }
    }

    [Fact]
    public void Segments_of_one_length_are_grouped_and_every_row_is_in_one_group()
    {
        var groups = SegmentGroup.Of([5, 3, 5, 0, 1, 3]);
        Assert.Equal([1, 3, 5], groups.Select(group => group.Length));
        Assert.Equal([0, 1, 7], groups.Select(group => group.Offset));
        Assert.Equal([0, 8], groups[2].Starts);
        Assert.Equal([5, 14], groups[1].Starts);
    }
}
