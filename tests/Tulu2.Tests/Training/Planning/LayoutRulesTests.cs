using Tulu2.Collectives.Layout;
using Tulu2.Files;
using Tulu2.Models.Families;
using Tulu2.Training.Planning;
using Tulu2.Training.Recipes;
using Xunit;

namespace Tulu2.Tests.Training.Planning;

public class LayoutRulesTests
{
    private static readonly ModelConfig Model = ModelPresets.Get("demo");

    // Four heads, but key-value heads of 8 columns: two virtual shards would be 16 wide, four 8.
    private static readonly ModelConfig Narrow = Model with { HiddenSize = 32, HeadSize = 8, Heads = 4, KeyValueHeads = 4, IntermediateSize = 64 };

    private static BadInputException Fault(string key, string what, string fix) => new(key, what, fix);

    [Fact]
    public void Aligned_shards_are_taken_where_the_tensor_degree_divides_them()
    {
        Assert.Equal(4, LayoutRules.VirtualShards(new ParallelRecipe { Tensor = 2 }, Model, Fault));
        Assert.Equal(2, LayoutRules.VirtualShards(new ParallelRecipe { Tensor = 2 }, Narrow, Fault));
        Assert.Equal(2, LayoutRules.VirtualShards(new ParallelRecipe { Tensor = 2, Bitwise = false }, Narrow, Fault));
    }

    [Fact]
    public void A_degree_that_costs_equal_bits_is_refused_unless_that_is_asked_for()
    {
        var refused = Assert.Throws<BadInputException>(() => LayoutRules.VirtualShards(new ParallelRecipe { Tensor = 4 }, Narrow, Fault));
        Assert.Equal("parallel.tensor", refused.Where);
        Assert.Equal("4 ranks cannot share 2 virtual shards: virtual shards are what makes their result one rank's to the last bit", refused.What);
        Assert.Contains("parallel.bitwise: false", refused.Fix);
        Assert.Equal(4, LayoutRules.VirtualShards(new ParallelRecipe { Tensor = 4, Bitwise = false }, Narrow, Fault));
    }

    [Fact]
    public void Where_more_virtual_shards_would_do_they_are_named()
    {
        var refused = Assert.Throws<BadInputException>(() => LayoutRules.VirtualShards(new ParallelRecipe { Tensor = 4, VirtualShards = 2 }, Model, Fault));
        Assert.Contains("parallel.virtual_shards: 4", refused.Fix);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(8)]
    public void A_degree_that_cuts_heads_is_refused_in_any_case(int tensor)
    {
        var refused = Assert.Throws<BadInputException>(() => LayoutRules.VirtualShards(new ParallelRecipe { Tensor = tensor, Bitwise = false }, Narrow, Fault));
        Assert.Equal("parallel.tensor", refused.Where);
    }

    [Fact]
    public void Stages_have_layers_of_their_own_and_a_tied_model_has_one()
    {
        Assert.Equal("parallel.pipeline", Assert.Throws<BadInputException>(() => Layout(new ParallelRecipe { Pipeline = 5 }, Model)).Where);
        Assert.Equal("parallel.pipeline", Assert.Throws<BadInputException>(() => Layout(new ParallelRecipe { Pipeline = 2 }, Model with { TieEmbeddings = true })).Where);
        Assert.Equal(new ParallelLayout(2, 1, 4, 2), Layout(new ParallelRecipe { Data = 2, Pipeline = 4, Zero = 2 }, Model));
    }

    [Theory]
    [InlineData(1, 1, 1, 8)]
    [InlineData(1, 1, 4, 8)]
    [InlineData(2, 2, 1, 4)]
    [InlineData(4, 4, 3, 3)]
    public void Replicas_fill_the_processors_where_their_number_is_left_open(int tensor, int pipeline, int zero, int replicas)
    {
        var layout = Layout(new ParallelRecipe { Tensor = tensor, Pipeline = pipeline, Zero = zero }, Model);
        Assert.Equal((replicas, zero), (layout.Data, layout.Zero));
    }

    private static ParallelLayout Layout(ParallelRecipe parallel, ModelConfig model) => LayoutRules.Layout(parallel, model, slots: 8, processors: 16, Fault);
}
