using System.Text.Json.Nodes;
using Tulu2.Checkpoints;
using Tulu2.Files;
using Tulu2.Models.HuggingFace;
using Tulu2.Tests.Data;
using Xunit;

namespace Tulu2.Tests.Models.HuggingFace;

public sealed unsafe class HuggingFaceDirectoryTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("model_type", "\"mistral\"")]
    [InlineData("architectures", "[\"LlamaForSequenceClassification\"]")]
    [InlineData("rope_scaling", "{\"type\":\"linear\",\"factor\":2.0}")]
    [InlineData("rope_parameters", "{\"rope_type\":\"llama3\",\"rope_theta\":500000.0}")]
    [InlineData("attention_bias", "true")]
    [InlineData("mlp_bias", "\"no\"")]
    [InlineData("hidden_act", "\"gelu\"")]
    [InlineData("hidden_size", "null")]
    [InlineData("hidden_size", "\"wide\"")]
    [InlineData("num_hidden_layers", "0")]
    [InlineData("vocab_size", "99999999999")]
    [InlineData("num_key_value_heads", "3")]
    [InlineData("tie_word_embeddings", "1")]
    [InlineData("rope_scaling", "\"linear\"")]
    [InlineData("rope_scaling", "{\"factor\":2.0}")]
    [InlineData("rope_parameters", "{\"full_attention\":{\"rope_theta\":1e6}}")]
    [InlineData("rope_theta", "\"wide\"")]
    [InlineData("rope_theta", "0")]
    [InlineData("partial_rotary_factor", "0.5")]
    [InlineData("attention_dropout", "0.1")]
    [InlineData("sliding_window", "50")]
    [InlineData("layer_types", "[\"full_attention\",\"sliding_attention\"]")]
    [InlineData("embedding_multiplier", "12.0")]
    [InlineData("final_logit_softcapping", "30")]
    [InlineData("num_local_experts", "8")]
    [InlineData("pruned_heads", "{\"0\":[1]}")]
    public void A_key_that_this_model_cannot_honour_is_named(string key, string value)
    {
        var failure = Assert.Throws<BadInputException>(() => HuggingFaceModel.ReadConfig(WithKey(key, value)));
        Assert.EndsWith($"config.json: {key}", failure.Where);
        Assert.NotEmpty(failure.Fix);
    }

    [Theory]
    [InlineData("rope_scaling", "{\"rope_type\":\"default\"}")]
    [InlineData("rope_parameters", "{\"rope_theta\":12345,\"partial_rotary_factor\":1.0}")]
    [InlineData("partial_rotary_factor", "1.0")]
    [InlineData("attention_dropout", "0.0")]
    [InlineData("sliding_window", "4096")]
    [InlineData("sliding_window", "null")]
    [InlineData("layer_types", "[\"full_attention\",\"full_attention\"]")]
    [InlineData("pruned_heads", "{}")]
    [InlineData("hidden_act", "\"swish\"")]
    public void A_key_with_the_value_that_changes_nothing_is_accepted(string key, string value) =>
        Assert.Equal(SmallCheckpoint.Config, HuggingFaceModel.ReadConfig(WithKey(key, value)));

    [Fact]
    public void Two_rotary_bases_that_differ_are_refused_with_both()
    {
        var failure = Assert.Throws<BadInputException>(() => HuggingFaceModel.ReadConfig(WithKey("rope_parameters", """{"rope_type":"default","rope_theta":1000000}""")));
        Assert.EndsWith("config.json: rope_theta", failure.Where);
        Assert.Equal("the rotary base is 12345 here, but 1000000 in rope_parameters.rope_theta", failure.What);
    }

    [Fact]
    public void An_adapter_beside_a_whole_model_is_refused()
    {
        var directory = WithKey("note", "1");
        File.WriteAllText(Path.Combine(directory, "adapter_config.json"), """{"base_model_name_or_path": "meta-llama/Llama-2-7b-hf"}""");
        var failure = Assert.Throws<BadInputException>(() => HuggingFaceModel.ReadConfig(directory));
        Assert.EndsWith("adapter_config.json", failure.Where);
        Assert.Contains("beside a whole model", failure.What);
    }

    [Fact]
    public void Keys_that_are_absent_have_the_defaults_of_transformers()
    {
        Directory.CreateDirectory(_folder.File("bare"));
        File.WriteAllText(Path.Combine(_folder.File("bare"), "config.json"),
            """{"hidden_size":128,"intermediate_size":256,"num_hidden_layers":2,"num_attention_heads":4,"vocab_size":100,"eos_token_id":[5,6],"rope_scaling":null}""");
        var config = HuggingFaceModel.ReadConfig(_folder.File("bare"));
        Assert.Equal((32, 4, 10000.0, 1e-6, 2048, false), (config.HeadSize, config.KeyValueHeads, config.RopeTheta, config.RmsNormEpsilon, config.MaxPositions, config.TieEmbeddings));
        Assert.Equal((1, 5), (config.BeginningId, config.EndId));
    }

    [Fact]
    public void The_rotary_base_is_read_where_newer_versions_write_it() =>
        Assert.Equal(500000, HuggingFaceModel.ReadConfig(WithKey("rope_parameters", """{"rope_type":"default","rope_theta":500000.0}""", without: "rope_theta")).RopeTheta);

    [Theory]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("""{"hidden_size":1,"hidden_size":2}""")]
    public void A_broken_config_is_named(string text)
    {
        Directory.CreateDirectory(_folder.File("broken"));
        var path = Path.Combine(_folder.File("broken"), "config.json");
        File.WriteAllText(path, text);
        var failure = Assert.Throws<BadInputException>(() => HuggingFaceModel.ReadConfig(_folder.File("broken")));
        Assert.StartsWith(path, failure.Where);
        Assert.DoesNotContain("(", failure.What);
    }

    [Fact]
    public void An_export_has_what_transformers_expects_and_what_its_source_said()
    {
        var source = _folder.File("source");
        SmallCheckpoint.Export(source);
        Change(Path.Combine(source, "config.json"), json => (json["our_note"], json["eos_token_id"]) = ("kept", new JsonArray(7, 8)));
        Change(Path.Combine(source, "generation_config.json"), json => json["temperature"] = 0.6);
        HuggingFaceExport.Write(
            _folder.File("export"), SmallCheckpoint.Config with { MaxPositions = 8192 }, "BF16", SmallCheckpoint.Fill, [new("tokenizer.json", "{}"u8.ToArray())], source);
        Assert.Equal(
            ["config.json", "generation_config.json", "model.safetensors", "tokenizer.json"], Directory.GetFiles(_folder.File("export")).Select(Path.GetFileName).Order());
        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(_folder.File("export"), "config.json")))!;
        Assert.Equal("""["LlamaForCausalLM"]""", config["architectures"]!.ToJsonString());
        Assert.Equal(("llama", "bfloat16", "silu", "kept"), ((string)config["model_type"]!, (string)config["torch_dtype"]!, (string)config["hidden_act"]!, (string)config["our_note"]!));
        Assert.Equal((8192, 12345.0, "[7,8]"), ((int)config["max_position_embeddings"]!, (double)config["rope_theta"]!, config["eos_token_id"]!.ToJsonString()));
        Assert.Equal("4.45.0", (string)config["transformers_version"]!);
        Assert.Equal(0.6, (double)JsonNode.Parse(File.ReadAllText(Path.Combine(_folder.File("export"), "generation_config.json")))!["temperature"]!);
    }

    [Theory]
    [InlineData("4.31.0", "4.45.0")]
    [InlineData("4.45.2", "4.45.2")]
    [InlineData("5.0.0.dev0", "5.0.0.dev0")]
    [InlineData("main", "4.45.0")]
    public void An_export_names_a_transformers_that_reads_it(string source, string exported)
    {
        SmallCheckpoint.Export(_folder.File("source"));
        foreach (var name in new[] { "config.json", "generation_config.json" })
            Change(Path.Combine(_folder.File("source"), name), json => json["transformers_version"] = source);
        HuggingFaceExport.Write(_folder.File("export"), SmallCheckpoint.Config, "F32", SmallCheckpoint.Fill, [], _folder.File("source"));
        foreach (var name in new[] { "config.json", "generation_config.json" })
            Assert.Equal(exported, (string)JsonNode.Parse(File.ReadAllText(Path.Combine(_folder.File("export"), name)))!["transformers_version"]!);
    }

    [Fact]
    public void An_earlier_export_is_replaced_and_nothing_else_is()
    {
        var directory = _folder.File("export");
        SmallCheckpoint.Export(directory, shardBytes: 10_000);
        SmallCheckpoint.Export(directory);
        Assert.Equal(["config.json", "generation_config.json", "model.safetensors"], Directory.GetFiles(directory).Select(Path.GetFileName).Order());

        File.WriteAllText(Path.Combine(directory, "thesis.tex"), "five years");
        Assert.Contains("thesis.tex", Assert.Throws<BadInputException>(() => SmallCheckpoint.Export(directory)).What);
        Assert.Equal("five years", File.ReadAllText(Path.Combine(directory, "thesis.tex")));

        // A model that somebody else put there.
        var downloaded = _folder.File("downloaded");
        SmallCheckpoint.Export(downloaded);
        SmallCheckpoint.Rewrite(downloaded, _ => { });
        Assert.Throws<BadInputException>(() => SmallCheckpoint.Export(downloaded));
        Assert.Throws<BadInputException>(() => HuggingFaceExport.Write(downloaded, SmallCheckpoint.Config, "F32", SmallCheckpoint.Fill, [], source: downloaded + "/"));
        Assert.Throws<BadInputException>(() => SmallCheckpoint.Export(Path.Combine(directory, "thesis.tex")));
    }

    [Fact]
    public void An_export_that_fails_leaves_the_one_before_and_no_leftovers()
    {
        var directory = _folder.File("export");
        SmallCheckpoint.Export(directory);
        var before = File.ReadAllBytes(Path.Combine(directory, "model.safetensors"));
        Assert.Throws<IOException>(() => HuggingFaceExport.Write(directory, SmallCheckpoint.Config, "F16", (name, shape, address) =>
        {
            SmallCheckpoint.Fill(name, shape, address);
            if (name == "model.norm.weight") throw new IOException("No space left on device");
        }, []));
        Assert.Equal(before, File.ReadAllBytes(Path.Combine(directory, "model.safetensors")));
        Assert.Equal([directory], Directory.GetFileSystemEntries(_folder.Root));
    }

    [Fact]
    public void A_value_beyond_the_largest_of_the_type_is_not_written_as_infinity_and_none_that_is_no_number()
    {
        void Export(string type, float value) => HuggingFaceExport.Write(_folder.File(type), SmallCheckpoint.Config, type, (name, shape, address) =>
        {
            SmallCheckpoint.Fill(name, shape, address);
            if (name == "model.norm.weight") *(float*)address = value;
        }, []);
        Assert.Contains("model.norm.weight holds 70000", Assert.Throws<BadInputException>(() => Export("F16", 70000)).What);
        Export("F16", 65504);
        Export("BF16", 70000);
        Assert.Contains("model.norm.weight holds -3.4", Assert.Throws<BadInputException>(() => Export("BF16", -3.4e38f)).What);
        Export("F32", -3.4e38f);
        foreach (var broken in new[] { float.NaN, float.NegativeInfinity })
            Assert.Equal("tensor model.norm.weight", Assert.Throws<NonFiniteException>(() => Export("F32", broken)).Where);
        Assert.Throws<BadInputException>(() => Export("I8", 1));
    }

    [Fact]
    public void A_checkpoint_of_a_run_is_exported_whatever_layout_wrote_it()
    {
        var store = new CheckpointStore(_folder.File("checkpoints"));
        var shards = new List<ShardEntry>();
        foreach (var (name, shape) in HuggingFaceTensors.Of(SmallCheckpoint.Config))
        {
            var values = new float[shape.Aggregate((product, size) => product * size)];
            fixed (float* address = values)
            {
                SmallCheckpoint.Fill(name, shape, (nint)address);
                var half = shape[0] / 2;
                long[] Size(long rows) => shape.Length == 1 ? [rows] : [rows, shape[1]];
                long[] Begin(long row) => shape.Length == 1 ? [row] : [row, 0];
                var columns = shape.Length == 1 ? 1 : shape[1];
                shards.Add(store.WriteShard([new StateBlock(StateKind.Parameter, new TensorSlice(name, shape, Begin(0), Size(half)), (nint)address, shape[^1])]));
                shards.Add(store.WriteShard(
                    [new StateBlock(StateKind.Parameter, new TensorSlice(name, shape, Begin(half), Size(shape[0] - half)), (nint)(address + half * columns), shape[^1])]));
            }
        }
        var distinct = shards.DistinctBy(shard => shard.Sha256).ToArray();
        var manifest = store.Read(store.WriteManifest(new Manifest(5, 2, "recipe", distinct, new Dictionary<string, string>())));
        HuggingFaceExport.Write(_folder.File("a"), SmallCheckpoint.Config, "F32", HuggingFaceExport.FromCheckpoint(store, manifest), []);
        SmallCheckpoint.Export(_folder.File("b"));
        Assert.Equal(ContentHash.OfFile(Path.Combine(_folder.File("b"), "model.safetensors")), ContentHash.OfFile(Path.Combine(_folder.File("a"), "model.safetensors")));
    }

    private string WithKey(string key, string value, string? without = null)
    {
        var directory = _folder.File("model");
        SmallCheckpoint.Export(directory);
        Change(Path.Combine(directory, "config.json"), json =>
        {
            json[key] = JsonNode.Parse(value);
            if (without is not null) json.AsObject().Remove(without);
        });
        return directory;
    }

    private static void Change(string path, Action<JsonNode> change)
    {
        var json = JsonNode.Parse(File.ReadAllText(path))!;
        change(json);
        File.WriteAllText(path, json.ToJsonString());
    }
}
