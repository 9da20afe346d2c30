using FsCheck.Xunit;
using Tulu2.Models.Families;
using Tulu2.Models.Parameters;
using Tulu2.Tests.Models.Decoder;
using Xunit;

namespace Tulu2.Tests.Models.Parameters;

public sealed class PipelineStagesTests
{
    [Property]
    public void Stages_follow_one_another_and_none_of_another_cut_is_cheaper(byte layers, byte stages, byte vocabulary)
    {
        var config = TinyModel.Config(layers: 1 + layers % 9, vocabulary: 1 + 20 * vocabulary);
        var count = 1 + stages % config.Layers;
        var ranges = PipelineStages.Split(config, count);
        Assert.Equal(count, ranges.Count);
        Assert.Equal(0, ranges[0].First);
        Assert.Equal(config.Layers, ranges[^1].End);
        for (var stage = 1; stage < count; stage++) Assert.Equal(ranges[stage - 1].End, ranges[stage].First);
        Assert.All(ranges, range => Assert.True(range.Count >= 1));
        Assert.Equal(Cuts(config.Layers, count).Min(sizes => Dearest(config, sizes)), Dearest(config, [.. ranges.Select(range => range.Count)]));
    }

    [Theory]
    [InlineData("llama2-7b", 2, new[] { 16, 16 })]
    [InlineData("llama2-7b", 4, new[] { 8, 8, 8, 8 })]
    [InlineData("llama2-70b", 3, new[] { 27, 27, 26 })]
    [InlineData("demo", 4, new[] { 1, 1, 1, 1 })]
    public void Known_models_are_cut_so(string preset, int stages, int[] sizes) =>
        Assert.Equal(sizes, PipelineStages.Split(ModelPresets.Get(preset), stages).Select(range => range.Count));

    [Fact]
    public void A_large_head_counts_as_layers() =>
        Assert.Equal([4, 2], PipelineStages.Split(TinyModel.Config(layers: 6, vocabulary: 2000), 2).Select(range => range.Count));

    private static long Dearest(ModelConfig config, int[] sizes) =>
        Math.Max(sizes.Max() * PipelineStages.BlockCost(config), sizes[^1] * PipelineStages.BlockCost(config) + PipelineStages.HeadCost(config));

    private static IEnumerable<int[]> Cuts(int layers, int stages)
    {
        if (stages == 1) return [[layers]];
        return Enumerable.Range(1, layers - stages + 1).SelectMany(first => Cuts(layers - first, stages - 1).Select(rest => (int[])[first, .. rest]));
    }
}
