using System.Text.Json;
using Tulu2.Checkpoints.Safetensors;
using Tulu2.Collectives.Layout;
using Tulu2.Files;
using Tulu2.Models.Families;
using Tulu2.Models.HuggingFace;
using Tulu2.Models.Parameters;
using Tulu2.Tests.Data;
using Tulu2.Tests.Models.Decoder;
using Xunit;

namespace Tulu2.Tests.Models.HuggingFace;

public sealed unsafe class HuggingFaceWeightsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [SkippableFact]
    public void The_reference_checkpoint_is_exported_with_the_same_bytes()
    {
        var source = ReferenceData.Require("tinystories656K_hf");
        var config = HuggingFaceModel.ReadConfig(source);
        Assert.Equal(656_000, config.ParameterCount);
        var tensors = SmallCheckpoint.Read(source, shards: 4);
        var exported = _folder.File("export");
        HuggingFaceExport.Write(
            exported, config, "F32", (name, _, destination) => tensors[name].CopyTo(new Span<float>((float*)destination, tensors[name].Length)),
            [], source);

        using var before = new SafetensorsFile(Path.Combine(source, "model.safetensors"));
        using var after = new SafetensorsFile(Path.Combine(exported, "model.safetensors"));
        // A tied tensor is written under the name that transformers writes.
        string NameOf(string name) => name == "lm_head.weight" ? "model.embed_tokens.weight" : name;
        Assert.Equal(before.Entries.Keys.Select(NameOf).Order(), after.Entries.Keys.Order());
        foreach (var entry in before.Entries.Values)
        {
            var other = after.Entries[NameOf(entry.Name)];
            Assert.Equal(entry.Shape, other.Shape);
            Assert.True(new ReadOnlySpan<byte>(before.Address(entry), (int)entry.Bytes).SequenceEqual(new ReadOnlySpan<byte>(after.Address(other), (int)other.Bytes)), entry.Name);
        }
        Assert.Equal("pt", after.Metadata["format"]);
        Assert.Equal(config, HuggingFaceModel.ReadConfig(exported));
        using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(exported, "config.json")));
        using var original = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(source, "config.json")));
        foreach (var property in original.RootElement.EnumerateObject().Where(property => property.Name != "transformers_version"))
            Assert.True(JsonElement.DeepEquals(property.Value, json.RootElement.GetProperty(property.Name)), property.Name);
    }

    [Theory]
    [InlineData("F32", 1, false)]
    [InlineData("F16", 2, false)]
    [InlineData("BF16", 2, false)]
    [InlineData("F32", 2, true)]
    [InlineData("BF16", 1, true)]
    public void What_is_exported_is_read_back_through_any_layout(string type, int shards, bool tied)
    {
        var config = SmallCheckpoint.Config with { TieEmbeddings = tied };
        SmallCheckpoint.Export(_folder.File("model"), config, type);
        Assert.Equal(config, HuggingFaceModel.ReadConfig(_folder.File("model")));
        AssertFilled(SmallCheckpoint.Read(_folder.File("model"), shards), config);
    }

    [Theory]
    [InlineData("F32", 1, 1)]
    [InlineData("BF16", 2, 1)]
    [InlineData("F16", 1, 2)]
    [InlineData("BF16", 4, 2)]
    public void A_part_reads_its_own_region_of_every_tensor(string type, int tensor, int pipeline)
    {
        // 70 tokens: the last rank's rows are padding for the most part.
        var config = TinyModel.Config(vocabulary: 70);
        SmallCheckpoint.Export(_folder.File("model"), config, type);
        var whole = new Dictionary<string, float[]>();
        foreach (var (name, shape) in HuggingFaceTensors.Of(config))
        {
            whole.Add(name, new float[shape.Aggregate((product, size) => product * size)]);
            fixed (float* address = whole[name]) SmallCheckpoint.Fill(name, shape, (nint)address);
        }
        var layout = new ParallelLayout(1, tensor, pipeline);
        for (var rank = 0; rank < layout.Size; rank++)
        {
            var part = new ParameterMap(config, 4, ModelPart.Of(config, layout, rank));
            var expected = new float[part.Length];
            foreach (var (slice, offset, stride) in part.Slices)
            {
                var columns = slice.Size[^1];
                for (var row = 0L; row < slice.Length / columns; row++)
                    Array.Copy(
                        whole[slice.Name], (slice.Shape.Length == 1 ? 0 : (slice.Begin[0] + row) * slice.Shape[1]) + slice.Begin[^1], expected, offset + row * stride, columns);
            }
            var actual = Enumerable.Repeat(float.NaN, expected.Length).ToArray();
            fixed (float* address = actual) HuggingFaceModel.ReadWeights(_folder.File("model"), part, (nint)address);
            Assert.Equal(expected, actual);
        }
    }

    [Fact]
    public void A_large_model_is_split_into_shards_with_an_index_that_adds_up()
    {
        var directory = _folder.File("model");
        SmallCheckpoint.Export(directory, shardBytes: 10_000);
        var files = Directory.GetFiles(directory, "*.safetensors").Select(path => Path.GetFileName(path)).Order().ToArray();
        Assert.Equal($"model-00001-of-{files.Length:D5}.safetensors", files[0]);
        Assert.All(files, file => Assert.InRange(new FileInfo(Path.Combine(directory, file)).Length, 1, 10_000 + 2000));
        using var index = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(directory, "model.safetensors.index.json")));
        Assert.Equal(4 * SmallCheckpoint.Config.ParameterCount, index.RootElement.GetProperty("metadata").GetProperty("total_size").GetInt64());
        Assert.Equal(
            HuggingFaceTensors.Of(SmallCheckpoint.Config).Select(tensor => tensor.Name).Order(StringComparer.Ordinal),
            index.RootElement.GetProperty("weight_map").EnumerateObject().Select(item => item.Name));
        AssertFilled(SmallCheckpoint.Read(directory, 2), SmallCheckpoint.Config);

        File.Delete(Path.Combine(directory, files[1]));
        Assert.Contains("no such file", Assert.Throws<BadInputException>(() => SmallCheckpoint.Read(directory)).What);
    }

    [Fact]
    public void A_tied_tensor_is_found_under_either_name_and_one_alias_away()
    {
        var directory = _folder.File("model");
        var tied = SmallCheckpoint.Config with { TieEmbeddings = true };
        SmallCheckpoint.Export(directory, tied);
        SmallCheckpoint.Rewrite(directory, tensors =>
        {
            tensors.Remove("model.embed_tokens.weight", out var embedding);
            tensors.Add("lm_head.weight", embedding! with { Name = "lm_head.weight" });
        });
        AssertFilled(SmallCheckpoint.Read(directory), tied);

        SmallCheckpoint.Rewrite(directory, tensors => tensors.Add("model.embed_tokens.weight", tensors["lm_head.weight"] with { Name = "model.embed_tokens.weight" }));
        AssertFilled(SmallCheckpoint.Read(directory), tied);
        SmallCheckpoint.Rewrite(directory, tensors =>
            tensors["lm_head.weight"] = new SafetensorsTensor("lm_head.weight", "F32", [64, 32], stream => stream.Write(new byte[64 * 32 * 4])));
        Assert.Contains("two different ones", Assert.Throws<BadInputException>(() => SmallCheckpoint.Read(directory)).What);

        // An untied model whose head and embedding shared their memory when they were saved.
        SmallCheckpoint.Export(_folder.File("untied"));
        SmallCheckpoint.Rewrite(_folder.File("untied"), tensors => tensors.Remove("lm_head.weight"), new() { ["lm_head.weight"] = "model.embed_tokens.weight" });
        var read = SmallCheckpoint.Read(_folder.File("untied"));
        Assert.Equal(read["model.embed_tokens.weight"], read["lm_head.weight"]);
    }

    [Fact]
    public void A_missing_a_left_over_and_a_misshapen_tensor_are_named()
    {
        const string norm = "model.layers.1.input_layernorm.weight";
        Assert.Contains($"{norm} is missing", Broken(tensors => tensors.Remove(norm)).What);
        Assert.Contains("lm_head.weight is missing", Broken(tensors => tensors.Remove("lm_head.weight")).What);
        Assert.Contains("model.layers.2.x is left over", Broken(tensors => tensors.Add("model.layers.2.x", Zeros("model.layers.2.x", "F32", 3))).What);
        Assert.Contains($"{norm} has shape [33], config.json asks for [32]", Broken(tensors => tensors[norm] = Zeros(norm, "F32", 33)).What);
        Assert.Contains($"{norm} has element type I32", Broken(tensors => tensors[norm] = Zeros(norm, "I32", 32)).What);
        var vocabulary = Broken(tensors => tensors["lm_head.weight"] = Zeros("lm_head.weight", "F32", 65, 32));
        Assert.Contains("lm_head.weight has shape [65, 32], config.json asks for [64, 32]", vocabulary.What);
        Assert.Contains("vocabulary of 65, config.json says vocab_size 64", vocabulary.Fix);
    }

    [Fact]
    public void Computed_rotary_buffers_of_old_checkpoints_are_ignored()
    {
        const string name = "model.layers.0.self_attn.rotary_emb.inv_freq";
        SmallCheckpoint.Export(_folder.File("model"));
        SmallCheckpoint.Rewrite(_folder.File("model"), tensors => tensors.Add(name, Zeros(name, "F32", 4)));
        AssertFilled(SmallCheckpoint.Read(_folder.File("model")), SmallCheckpoint.Config);
        Assert.Contains(name, HuggingFaceModel.CheckWeights(_folder.File("model"), SmallCheckpoint.Config).Single());
    }

    [Fact]
    public void Tensors_outside_of_the_model_are_a_remark_and_those_inside_of_it_a_fault()
    {
        var directory = _folder.File("model");
        SmallCheckpoint.Export(directory);
        SmallCheckpoint.Rewrite(directory, tensors => tensors.Add("score.weight", Zeros("score.weight", "F32", 1, 32)));
        AssertFilled(SmallCheckpoint.Read(directory), SmallCheckpoint.Config);
        Assert.Equal($"{directory}: 1 tensor (score.weight) that this model does not use", HuggingFaceModel.CheckWeights(directory, SmallCheckpoint.Config).Single());
        foreach (var name in (string[])["model.layers.0.self_attn.q_proj.bias", "model.layers.0.mlp.down_proj.weight_scale", "lm_head.bias", "base_model.model.lora_A.weight"])
            Assert.Contains(name, Broken(tensors => tensors.Add(name, Zeros(name, "F32", 1))).What);
    }

    [Fact]
    public void A_model_saved_inside_a_wrapper_is_named() =>
        Assert.Contains("module.model.norm.weight is there", Broken(tensors =>
        {
            tensors.Remove("model.norm.weight", out var norm);
            tensors.Add("module.model.norm.weight", norm! with { Name = "module.model.norm.weight" });
        }).What);

    [Fact]
    public void Weights_may_be_links_as_all_files_of_the_hubs_cache_are()
    {
        SmallCheckpoint.Export(_folder.File("whole"), shardBytes: 10_000);
        var snapshot = Directory.CreateDirectory(_folder.File("snapshots/1234")).FullName;
        Directory.CreateDirectory(_folder.File("blobs"));
        foreach (var file in Directory.GetFiles(_folder.File("whole")))
        {
            var blob = ContentHash.OfFile(file);
            File.Move(file, _folder.File($"blobs/{blob}"));
            File.CreateSymbolicLink(Path.Combine(snapshot, Path.GetFileName(file)), $"../../blobs/{blob}");
        }
        AssertFilled(SmallCheckpoint.Read(snapshot, 2), SmallCheckpoint.Config);
    }

    [Fact]
    public void A_shard_that_is_missing_is_named_with_its_index_and_a_link_to_nothing_with_its_target()
    {
        var directory = _folder.File("model");
        SmallCheckpoint.Export(directory, shardBytes: 10_000);
        var shard = Directory.GetFiles(directory, "model-00002-of-*").Single();
        File.Delete(shard);
        var failure = Assert.Throws<BadInputException>(() => SmallCheckpoint.Read(directory));
        Assert.Equal(Path.Combine(directory, "model.safetensors.index.json"), failure.Where);
        Assert.Contains(Path.GetFileName(shard), failure.What);
        Assert.Contains("(1 of ", failure.What);
        File.CreateSymbolicLink(shard, "../blobs/5678");
        Assert.Contains("a link to ../blobs/5678", Assert.Throws<BadInputException>(() => SmallCheckpoint.Read(directory)).What);
        File.Delete(Path.Combine(directory, "model.safetensors.index.json"));
        Assert.Contains("no index", Assert.Throws<BadInputException>(() => SmallCheckpoint.Read(directory)).What);
    }

    [Fact]
    public void One_file_beside_an_index_of_others_is_refused_by_both_names()
    {
        var directory = _folder.File("model");
        SmallCheckpoint.Export(directory, shardBytes: 10_000);
        SmallCheckpoint.Export(_folder.File("other"));
        File.Copy(_folder.File("other/model.safetensors"), Path.Combine(directory, "model.safetensors"));
        var failure = Assert.Throws<BadInputException>(() => SmallCheckpoint.Read(directory));
        Assert.Contains("model.safetensors stands beside model.safetensors.index.json, which names other files (model-00001-of-", failure.What);

        // An index of the one file is what some tools write.
        var one = _folder.File("other/model.safetensors.index.json");
        File.WriteAllText(one, JsonSerializer.Serialize(new { weight_map = HuggingFaceTensors.Of(SmallCheckpoint.Config).ToDictionary(tensor => tensor.Name, _ => "model.safetensors") }));
        AssertFilled(SmallCheckpoint.Read(_folder.File("other")), SmallCheckpoint.Config);
        File.WriteAllText(one, """{"weight_map": {"a": 1}}""");
        Assert.Contains("names no file for a", Assert.Throws<BadInputException>(() => SmallCheckpoint.Read(_folder.File("other"))).What);
    }

    [Fact]
    public void A_truncated_file_and_a_directory_without_weights_are_named()
    {
        var directory = _folder.File("model");
        SmallCheckpoint.Export(directory);
        var path = Path.Combine(directory, "model.safetensors");
        using (var stream = new FileStream(path, FileMode.Open)) stream.SetLength(stream.Length - 4);
        Assert.Equal(path, Assert.Throws<BadInputException>(() => SmallCheckpoint.Read(directory)).Where);
        File.Move(path, Path.Combine(directory, "pytorch_model.bin"));
        Assert.Contains("a safetensors file", Assert.Throws<BadInputException>(() => SmallCheckpoint.Read(directory)).What);
        File.Delete(Path.Combine(directory, "pytorch_model.bin"));
        Assert.Contains("holds no weights", Assert.Throws<BadInputException>(() => SmallCheckpoint.Read(directory)).What);
    }

    private BadInputException Broken(Action<Dictionary<string, SafetensorsTensor>> change)
    {
        var directory = _folder.File(Guid.NewGuid().ToString("N"));
        SmallCheckpoint.Export(directory);
        SmallCheckpoint.Rewrite(directory, change);
        return Assert.Throws<BadInputException>(() => SmallCheckpoint.Read(directory));
    }

    private static SafetensorsTensor Zeros(string name, string type, params long[] shape) =>
        new(name, type, shape, stream => stream.Write(new byte[4 * shape.Aggregate((product, size) => product * size)]));

    private static void AssertFilled(Dictionary<string, float[]> tensors, ModelConfig config)
    {
        Assert.Equal(HuggingFaceTensors.Of(config).Select(tensor => tensor.Name).Order(), tensors.Keys.Order());
        foreach (var (name, shape) in HuggingFaceTensors.Of(config))
        {
            var expected = new float[shape.Aggregate((product, size) => product * size)];
            fixed (float* address = expected) SmallCheckpoint.Fill(name, shape, (nint)address);
            Assert.Equal(expected, tensors[name]);
        }
    }
}
