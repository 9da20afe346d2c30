using Tulu2.Models.Families;
using Tulu2.Models.Parameters;
using Tulu2.Training.Optimization;
using Xunit;

namespace Tulu2.Tests.Training.Optimization;

public class ZeroRangesTests
{
    [Theory]
    [InlineData("tiny", 2, 1, 2)]
    [InlineData("demo", 4, 2, 3)]
    [InlineData("llama2-7b", 4, 1, 8)]
    [InlineData("llama2-70b", 8, 8, 4)]
    public void Ranges_are_contiguous_aligned_about_equal_and_cut_no_block(string preset, int shards, int tensor, int zero)
    {
        var config = ModelPresets.Get(preset);
        var blocks = new GradientBlocks(new ParameterMap(config, shards));
        var part = new ParameterMap(config, shards, ModelPart.Whole(config) with { TensorDegree = tensor, TensorIndex = tensor - 1 });
        var ranges = ZeroRanges.Of(part, blocks, zero);
        Assert.Equal(zero, ranges.Count);
        Assert.Equal(0, ranges[0].First);
        Assert.Equal(part.Length, ranges[^1].End);
        for (var index = 0; index < zero; index++)
        {
            if (index > 0) Assert.Equal(ranges[index - 1].End, ranges[index].First);
            Assert.Equal(0, ranges[index].First % ParameterMap.Alignment);
            Assert.InRange(ranges[index].Count, 0.8 * part.Length / zero, 1.2 * part.Length / zero);
        }
        foreach (var block in blocks.Of(part))
        {
            var range = ranges.Single(range => block.Offset >= range.First && block.Offset < range.End);
            Assert.True(block.Offset + (block.Rows - 1) * block.Stride + block.Columns <= range.End);
        }
        // The ranks that share matrices come to the same ranges, so that all of a matrix is updated at one place of each.
        var first = new ParameterMap(config, shards, ModelPart.Whole(config) with { TensorDegree = tensor });
        Assert.Equal(ranges, ZeroRanges.Of(first, blocks, zero));
    }

    [Fact]
    public void More_ranks_than_there_is_to_share_leave_some_without()
    {
        var config = GradientNormTests.Tiny with { Layers = 1 };
        var part = new ParameterMap(config, 1);
        var ranges = ZeroRanges.Of(part, new GradientBlocks(new ParameterMap(config, 1)), 40);
        Assert.Equal(part.Length, ranges.Sum(range => range.Count));
        Assert.Contains(ranges, range => range.Count == 0);
    }
}
