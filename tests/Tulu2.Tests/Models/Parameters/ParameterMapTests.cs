using Tulu2.Models.Families;
using Tulu2.Models.Families.Llama;
using Tulu2.Models.HuggingFace;
using Tulu2.Models.Parameters;
using Xunit;

namespace Tulu2.Tests.Models.Parameters;

public class ParameterMapTests
{
    private static readonly LlamaConfig Wide = new()
    {
        HiddenSize = 128,
        IntermediateSize = 256,
        Layers = 2,
        Heads = 16,
        KeyValueHeads = 8,
        HeadSize = 16,
        VocabularySize = 256,
    };

    public static TheoryData<int, bool> Cuts => new() { { 1, false }, { 2, false }, { 4, false }, { 8, false }, { 1, true }, { 4, true } };

    [Theory]
    [MemberData(nameof(Cuts))]
    public void The_slices_lay_every_element_of_every_tensor_down_exactly_once(int shards, bool tied)
    {
        var config = Wide with { TieEmbeddings = tied };
        var layout = new ParameterMap(config, shards);
        var flat = new int[layout.Length];
        var parts = layout.Slices.ToLookup(slice => slice.Slice.Name);
        Assert.Equal(HuggingFaceTensors.Of(config).Select(tensor => tensor.Name).Order(), parts.Select(part => part.Key).Order());
        foreach (var (name, shape) in HuggingFaceTensors.Of(config))
        {
            var whole = new int[shape.Aggregate((product, size) => product * size)];
            foreach (var (slice, offset, rowStride) in parts[name])
            {
                Assert.Equal(shape, slice.Shape);
                var columns = slice.Size[^1];
                for (var row = 0L; row < slice.Length / columns; row++)
                    for (var column = 0L; column < columns; column++)
                    {
                        flat[offset + row * rowStride + column]++;
                        whole[(shape.Length == 1 ? 0 : (slice.Begin[0] + row) * shape[1]) + slice.Begin[^1] + column]++;
                    }
            }
            Assert.DoesNotContain(whole, count => count != 1);
        }
        Assert.DoesNotContain(flat, count => count > 1);
        Assert.Equal(config.ParameterCount, flat.Sum());
    }

    [Theory]
    [MemberData(nameof(Cuts))]
    public void Every_matrix_and_every_shard_of_it_begins_at_a_multiple_of_sixteen(int shards, bool tied)
    {
        var layout = new ParameterMap(Wide with { TieEmbeddings = tied }, shards);
        foreach (var matrix in layout.Matrices)
        {
            Assert.Equal(0, matrix.Offset % ParameterMap.Alignment);
            if (matrix.Split == ShardSplit.Rows) Assert.Equal(0, matrix.Length / shards % ParameterMap.Alignment);
            if (matrix.Split == ShardSplit.Columns) Assert.Equal(0, matrix.Columns / shards % ParameterMap.Alignment);
        }
        Assert.All(layout.Slices, slice => Assert.Equal(0, slice.Offset % ParameterMap.Alignment));
    }

    [Fact]
    public void A_virtual_shard_holds_its_query_key_and_value_rows_together()
    {
        var layout = new ParameterMap(Wide, 4);
        var fused = layout["0.qkv"];
        var shard = layout.Slices.Where(slice => slice.Offset >= fused.Offset + fused.Length / 4 && slice.Offset < fused.Offset + fused.Length / 2).ToArray();
        Assert.Equal(["q_proj", "k_proj", "v_proj"], shard.Select(slice => slice.Slice.Name.Split('.')[^2]));
        Assert.Equal([64L, 32L, 32L], shard.Select(slice => slice.Slice.Begin[0]));
    }

    [Theory]
    [InlineData("llama2-7b", 8, 8)]
    [InlineData("llama2-7b", 6, 4)]
    [InlineData("llama2-70b", 16, 8)]
    [InlineData("codellama-7b", 4, 4)]
    [InlineData("demo", 4, 4)]
    [InlineData("tiny", 4, 2)]
    public void The_largest_cut_is_a_power_of_two_that_leaves_whole_blocks_of_sixteen(string preset, int wanted, int expected) =>
        Assert.Equal(expected, ParameterMap.LargestVirtualShards(ModelPresets.Get(preset), wanted));

    [Fact]
    public void A_cut_that_does_not_divide_the_model_is_refused() => Assert.Throws<ArgumentException>(() => new ParameterMap(ModelPresets.Get("tiny"), 4));
}
