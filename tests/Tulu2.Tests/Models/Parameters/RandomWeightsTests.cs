using Tulu2.Models.Parameters;
using Tulu2.Tests.Training.Optimization;
using Tulu2.Training.Optimization;
using Tulu2.Training.State;
using Xunit;
using static TorchSharp.torch;

namespace Tulu2.Tests.Models.Parameters;

public class RandomWeightsTests
{
    private static string HashOf(int shards, int seed)
    {
        using var scope = NewDisposeScope();
        var layout = new ParameterMap(GradientNormTests.Tiny, shards);
        var weights = zeros(layout.Length);
        RandomWeights.Fill(layout, seed, FlatMemory.Address(weights));
        return ParameterHash.Of(layout, FlatMemory.Address(weights));
    }

    [Fact]
    public void Initial_weights_do_not_depend_on_how_the_model_is_cut()
    {
        Assert.Equal(HashOf(1, 42), HashOf(4, 42));
        Assert.Equal(HashOf(2, 42), HashOf(4, 42));
        Assert.NotEqual(HashOf(1, 42), HashOf(1, 43));
    }

    [Fact]
    public void They_are_normal_and_norms_are_one()
    {
        const int count = 100_000;
        var values = Enumerable.Range(0, count).Select(index => RandomWeights.Normal(12345, (ulong)index)).ToArray();
        var mean = values.Average();
        var variance = values.Sum(value => (value - mean) * (value - mean)) / count;
        Assert.Equal(0, mean, 0.02);
        Assert.Equal(1, variance, 0.02);
        Assert.Equal(3, values.Sum(value => Math.Pow(value, 4)) / count, 0.1);

        using var scope = NewDisposeScope();
        var layout = new ParameterMap(GradientNormTests.Tiny, 4);
        var weights = zeros(layout.Length);
        RandomWeights.Fill(layout, 1, FlatMemory.Address(weights));
        var norm = layout["0.norm1"];
        Assert.All(weights.narrow(0, norm.Offset, norm.Length).data<float>().ToArray(), value => Assert.Equal(1, value));
    }
}
