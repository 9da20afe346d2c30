using FsCheck.Xunit;
using Tulu2.Collectives.Layout;
using Tulu2.Models.Families;
using Tulu2.Models.Families.Llama;
using Tulu2.Models.HuggingFace;
using Tulu2.Models.Parameters;
using Tulu2.Tests.Models.Decoder;
using Xunit;

namespace Tulu2.Tests.Models.Parameters;

public sealed class PartMapTests
{
    [Property(MaxTest = 60)]
    public void The_parts_of_a_model_hold_every_element_of_every_tensor_exactly_once(byte shardBits, byte degreeBits, byte stages, byte layers, byte vocabulary, bool tied)
    {
        var (config, shards, layout) = Drawn(shardBits, degreeBits, stages, layers, vocabulary, tied);
        var parts = Enumerable.Range(0, layout.Size).Select(rank => new ParameterMap(config, shards, ModelPart.Of(config, layout, rank))).ToArray();
        foreach (var (name, shape) in HuggingFaceTensors.Of(config))
        {
            var whole = new int[shape.Aggregate((product, size) => product * size)];
            foreach (var slice in parts.SelectMany(part => part.Slices).Where(slice => slice.Slice.Name == name))
            {
                Assert.Equal(shape, slice.Slice.Shape);
                foreach (var element in Elements(slice)) whole[element.Global]++;
            }
            // Norms are held by every rank of a tensor group.
            var copies = shape.Length == 1 ? layout.Tensor : 1;
            Assert.False(whole.AsSpan().ContainsAnyExcept(copies));
        }
    }

    [Property(MaxTest = 60)]
    public void A_part_s_buffer_is_made_of_aligned_slices_and_padding(byte shardBits, byte degreeBits, byte stages, byte layers, byte vocabulary, bool tied)
    {
        var (config, shards, layout) = Drawn(shardBits, degreeBits, stages, layers, vocabulary, tied);
        for (var rank = 0; rank < layout.Size; rank++)
        {
            var part = new ParameterMap(config, shards, ModelPart.Of(config, layout, rank));
            var flat = new int[part.Length];
            foreach (var slice in part.Slices)
            {
                Assert.Equal(0, slice.Offset % ParameterMap.Alignment);
                if (slice.Slice.Shape.Length == 2) Assert.Equal(0, slice.RowStride % ParameterMap.Alignment);
                foreach (var element in Elements(slice)) flat[element.Local]++;
            }
            foreach (var matrix in part.Matrices)
            {
                var counts = flat.AsSpan((int)matrix.Offset, (int)matrix.Length);
                var real = (int)(matrix.Length - matrix.PaddingRows * matrix.Columns);
                Assert.False(counts[..real].ContainsAnyExcept(1));
                Assert.False(counts[real..].ContainsAnyExcept(0));
                Assert.Equal(0, matrix.Offset % ParameterMap.Alignment);
                var cut = matrix.Split == ShardSplit.Rows ? matrix.Rows : matrix.Split == ShardSplit.Columns ? matrix.Columns : 0;
                Assert.Equal(0, cut % part.LocalShards);
            }
            Assert.Equal(part.Slices.Sum(slice => slice.Slice.Length), flat.Sum());
        }
    }

    [Fact]
    public void Every_rank_of_a_70B_holds_its_share()
    {
        var config = ModelPresets.Get("llama2-70b");
        var layout = new ParallelLayout(1, tensor: 8, pipeline: 4);
        var lengths = Enumerable.Range(0, layout.Size).Select(rank => new ParameterMap(config, 8, ModelPart.Of(config, layout, rank)).Length).ToArray();
        Assert.InRange(lengths.Sum(), config.ParameterCount, (long)(1.001 * config.ParameterCount));
        Assert.InRange(lengths.Max(), lengths.Sum() / layout.Size, (long)(1.05 * lengths.Sum() / layout.Size));
    }

    [Theory]
    [InlineData("codellama-7b", 4, 32064)]
    [InlineData("codellama-13b", 8, 32128)]
    [InlineData("codellama-7b", 1, 32016)]
    [InlineData("llama2-7b", 8, 32000)]
    public void A_vocabulary_that_does_not_divide_is_padded(string preset, int shards, int rows)
    {
        var layout = new ParameterMap(ModelPresets.Get(preset), shards);
        Assert.Equal(rows, layout["embed"].Rows);
        Assert.Equal(rows - layout.Config.VocabularySize, layout["head"].PaddingRows);
        Assert.Equal(layout.Config.ParameterCount, layout.Slices.Sum(slice => slice.Slice.Length));
    }

    [Fact]
    public void Parts_that_cannot_be_are_refused_with_a_reason()
    {
        var config = TinyModel.Config();
        Assert.Contains("does not divide 4 virtual shards", Refused(() => new ParameterMap(config, 4, new ModelPart(0, 8, 0, 2))));
        Assert.Contains("does not divide 1 virtual shards", Refused(() => new ParameterMap(config, 1, new ModelPart(0, 2, 0, 2))));
        Assert.Contains("tensor index 2 is outside 0 to 1", Refused(() => new ParameterMap(config, 4, new ModelPart(2, 2, 0, 2))));
        Assert.Contains("no stage of 2", Refused(() => new ParameterMap(config, 4, new ModelPart(0, 1, 1, 3))));
        Assert.Contains("tied head", Refused(() => new ParameterMap(config with { TieEmbeddings = true }, 4, new ModelPart(0, 1, 0, 1))));
        Assert.Contains("tied head", Refused(() => ModelPart.Of(config with { TieEmbeddings = true }, new ParallelLayout(1, 1, 2), 0)));
        Assert.Contains("2 layers cannot be split into 3 pipeline stages", Refused(() => PipelineStages.Split(config, 3)));

        static string Refused(Func<object> make) => Assert.ThrowsAny<ArgumentException>(() => { make(); }).Message;
    }

    private static (LlamaConfig, int Shards, ParallelLayout) Drawn(byte shardBits, byte degreeBits, byte stages, byte layers, byte vocabulary, bool tied)
    {
        var shards = 1 << shardBits % 4;
        var config = new LlamaConfig
        {
            HiddenSize = 32,
            IntermediateSize = 16 * shards,
            Layers = 1 + layers % 5,
            Heads = 2 * shards,
            KeyValueHeads = shards,
            HeadSize = 16,
            VocabularySize = 1 + vocabulary,
            TieEmbeddings = tied,
        };
        return (config, shards, new ParallelLayout(1, 1 << degreeBits % (shardBits % 4 + 1), tied ? 1 : 1 + stages % config.Layers));
    }

    private static IEnumerable<(long Global, long Local)> Elements(ParameterSlice slice)
    {
        var (part, offset, rowStride) = slice;
        var columns = part.Size[^1];
        for (var row = 0L; row < part.Length / columns; row++)
            for (var column = 0L; column < columns; column++)
                yield return ((part.Shape.Length == 1 ? 0 : (part.Begin[0] + row) * part.Shape[1]) + part.Begin[^1] + column, offset + row * rowStride + column);
    }
}
