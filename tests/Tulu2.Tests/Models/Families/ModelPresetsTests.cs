using Tulu2.Files;
using Tulu2.Models.Families;
using Tulu2.Models.HuggingFace;
using Tulu2.Models.Parameters;
using Xunit;

namespace Tulu2.Tests.Models.Families;

/// <summary>The parameter counts of docs/reference/tulu2.md, models.</summary>
public class ModelPresetsTests
{
    [Theory]
    [InlineData("llama2-7b", 6_738_415_616, 13_476_831_232, 1e-5, 1e4, 4096)]
    [InlineData("llama2-13b", 13_015_864_320, 26_031_728_640, 1e-5, 1e4, 4096)]
    [InlineData("llama2-70b", 68_976_648_192, 137_953_296_384, 1e-5, 1e4, 4096)]
    [InlineData("codellama-7b", 6_738_546_688, 13_477_093_376, 1e-5, 1e6, 16384)]
    [InlineData("codellama-13b", 13_016_028_160, 26_032_056_320, 1e-5, 1e6, 16384)]
    [InlineData("codellama-34b", 33_743_970_304, 67_487_940_608, 1e-5, 1e6, 16384)]
    [InlineData("tulu2-7b", 6_738_415_616, 13_476_831_232, 1e-6, 1e4, 8192)]
    [InlineData("tulu2-13b", 13_015_864_320, 26_031_728_640, 1e-6, 1e4, 8192)]
    [InlineData("tulu2-70b", 68_976_648_192, 137_953_296_384, 1e-5, 1e4, 8192)]
    public void A_preset_has_the_published_parameters_bytes_and_constants(string name, long parameters, long brainFloatBytes, double epsilon, double theta, int positions)
    {
        var config = ModelPresets.Get(name);
        Assert.Equal(parameters, config.ParameterCount);
        Assert.Equal(brainFloatBytes, HuggingFaceTensors.Of(config).Sum(tensor => 2 * tensor.Shape.Aggregate((product, size) => product * size)));
        Assert.Equal((128, epsilon, theta, positions), (config.HeadSize, config.RmsNormEpsilon, config.RopeTheta, config.MaxPositions));
    }

    [Fact]
    public void Every_preset_can_be_laid_out()
    {
        foreach (var name in ModelPresets.Names)
        {
            var config = ModelPresets.Get(name);
            var shards = ParameterMap.LargestVirtualShards(config, 4);
            Assert.Equal(config.ParameterCount, new ParameterMap(config, shards).Slices.Sum(slice => slice.Slice.Length));
        }
    }

    [Fact]
    public void An_unknown_name_is_answered_with_the_known_ones()
    {
        var failure = Assert.Throws<BadInputException>(() => ModelPresets.Get("llama9"));
        Assert.All(ModelPresets.Names, name => Assert.Contains(name, failure.Fix));
    }
}
