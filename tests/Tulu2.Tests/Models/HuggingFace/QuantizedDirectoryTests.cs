using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Tulu2.Checkpoints.Safetensors;
using Tulu2.Files;
using Tulu2.Models.HuggingFace;
using Tulu2.Models.Parameters;
using Tulu2.Tests.Checkpoints.TorchFiles;
using Tulu2.Tests.Data;
using Xunit;

namespace Tulu2.Tests.Models.HuggingFace;

/// <summary>Directories with linears in NF4: written, read, and refused.</summary>
public sealed unsafe class QuantizedDirectoryTests : IDisposable
{
    private const string Query = "model.layers.0.self_attn.q_proj.weight", Down = "model.layers.1.mlp.down_proj.weight";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    // Names, types and shapes after bitsandbytes' Linear4bit._save_to_state_dict and QuantState.as_dict(packed=True); keys after transformers'
    // BitsAndBytesConfig.to_dict.
    [Theory]
    [InlineData(true, "BF16", "bfloat16")]
    [InlineData(false, "F16", "float16")]
    [InlineData(true, "F32", "float32")]
    public void Tensors_and_keys_are_those_of_bitsandbytes_and_transformers(bool doubleQuant, string type, string torchType)
    {
        var directory = Quantized("model", doubleQuant, type);
        using var file = new SafetensorsFile(Path.Combine(directory, "model.safetensors"));
        string Tensor(string name) => file.Entries.TryGetValue(name, out var entry) ? $"{entry.DataType} [{string.Join(", ", entry.Shape)}]" : "none";
        string[] linears = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"];
        string[] nested = doubleQuant ? [".nested_absmax", ".nested_quant_map"] : [];
        string[] suffixes = [".absmax", ".quant_map", ".quant_state.bitsandbytes__nf4", .. nested];
        string[] expected =
        [
            "model.embed_tokens.weight", "model.norm.weight", "lm_head.weight",
            .. from layer in (int[])[0, 1]
               from name in (string[])["input_layernorm", "post_attention_layernorm", .. linears]
               from suffix in linears.Contains(name) ? (string[])["", .. suffixes] : [""]
               select $"model.layers.{layer}.{name}.weight{suffix}",
        ];
        Assert.Equal(expected.Order(StringComparer.Ordinal), file.Entries.Keys.Order(StringComparer.Ordinal));
        Assert.Equal($"{type} [64, 32]", Tensor("model.embed_tokens.weight"));
        Assert.Equal($"{type} [64, 32]", Tensor("lm_head.weight"));
        Assert.Equal($"{type} [32]", Tensor("model.layers.1.input_layernorm.weight"));
        // 32 x 32 and 32 x 48 elements.
        Assert.Equal("U8 [512, 1]", Tensor(Query));
        Assert.Equal("U8 [768, 1]", Tensor(Down));
        Assert.Equal(doubleQuant ? "U8 [24]" : "F32 [24]", Tensor(Down + ".absmax"));
        Assert.Equal("F32 [16]", Tensor(Down + ".quant_map"));
        Assert.Equal(doubleQuant ? "F32 [1]" : "none", Tensor(Down + ".nested_absmax"));
        Assert.Equal(doubleQuant ? "F32 [256]" : "none", Tensor(Down + ".nested_quant_map"));
        Assert.Equal("pt", file.Metadata["format"]);
        Assert.All(file.Entries.Values, entry => Assert.Equal(0, entry.Offset % SafetensorsTypes.Size(entry.DataType)!.Value));

        var state = Text(file, Down + ".quant_state.bitsandbytes__nf4");
        using var parsed = JsonDocument.Parse(state);
        Assert.Equal(
            ["quant_type", "blocksize", "dtype", "shape", .. doubleQuant ? (string[])["nested_blocksize", "nested_dtype", "nested_offset"] : []],
            parsed.RootElement.EnumerateObject().Select(property => property.Name));
        Assert.StartsWith($$"""{"quant_type": "nf4", "blocksize": 64, "dtype": "{{torchType}}", "shape": [32, 48]""", state);
        if (doubleQuant) Assert.Contains(""", "nested_blocksize": 256, "nested_dtype": "float32", "nested_offset": 1.""", state);

        var text = File.ReadAllText(Path.Combine(directory, "config.json"));
        // A Python float: transformers refuses the whole number 6.
        Assert.Contains("\"llm_int8_threshold\": 6.0", text);
        var keys = JsonNode.Parse(text)!["quantization_config"]!;
        Assert.Equal(torchType, JsonNode.Parse(text)!["torch_dtype"]!.GetValue<string>());
        var wanted = JsonNode.Parse($$"""
            {
              "bnb_4bit_compute_dtype": "{{torchType}}", "bnb_4bit_quant_storage": "uint8", "bnb_4bit_quant_type": "nf4",
              "bnb_4bit_use_double_quant": {{(doubleQuant ? "true" : "false")}}, "llm_int8_enable_fp32_cpu_offload": false, "llm_int8_has_fp16_weight": false,
              "llm_int8_skip_modules": ["lm_head"], "llm_int8_threshold": 6.0, "load_in_4bit": true, "load_in_8bit": false, "quant_method": "bitsandbytes"
            }
            """);
        Assert.True(JsonNode.DeepEquals(wanted, keys), keys.ToJsonString());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_is_written_is_read_quantised_and_restored_and_quantised_again_to_the_same_bytes(bool doubleQuant)
    {
        var directory = Quantized("model", doubleQuant, "F32");
        Assert.Empty(HuggingFaceModel.CheckWeights(directory, SmallCheckpoint.Config));
        Dictionary<string, float[]> fromFloats = Restored(_folder.File("source"), doubleQuant), fromFile = Restored(directory, !doubleQuant);
        Assert.Equal(HuggingFaceTensors.Linears(SmallCheckpoint.Config), fromFile.Keys);
        var source = SmallCheckpoint.Read(_folder.File("source"));
        Dictionary<string, float[]> whole = SmallCheckpoint.Read(directory), shards = SmallCheckpoint.Read(directory, 2);
        foreach (var (name, values) in whole)
        {
            var expected = fromFile.GetValueOrDefault(name) ?? source[name];
            Assert.Equal(expected, values);
            if (fromFloats.TryGetValue(name, out var same)) Assert.Equal(same, values);
            // Columns are cut for the row-parallel ones: compared as sets of numbers.
            Assert.Equal(expected.Order(), shards[name].Order());
        }
        QuantizedExport.Write(directory, _folder.File("again"), "F32", doubleQuant);
        foreach (var file in Directory.GetFiles(directory))
            Assert.Equal(File.ReadAllBytes(file), File.ReadAllBytes(Path.Combine(_folder.File("again"), Path.GetFileName(file))));
    }

    [Fact]
    public void Shards_and_pickles_hold_the_same_model()
    {
        var directory = Quantized("model", true, "BF16");
        var expected = SmallCheckpoint.Read(directory);
        var groups = new List<int>();
        QuantizedExport.Write(_folder.File("source"), _folder.File("shards"), "BF16", true, (done, _) => groups.Add(done), shardBytes: 5000);
        Assert.Equal(Enumerable.Range(1, HuggingFaceTensors.Of(SmallCheckpoint.Config).Count), groups);
        Assert.InRange(HuggingFaceModel.WeightFiles(_folder.File("shards")).Count, 5, 30);
        foreach (var path in HuggingFaceModel.WeightFiles(_folder.File("shards")))
        {
            // transformers gathers a weight's tensors from the file that holds it.
            using var shard = new SafetensorsFile(path);
            Assert.All(
                shard.Entries.Keys.Where(name => name.EndsWith(".quant_map", StringComparison.Ordinal)),
                name => Assert.Contains(name[..^".quant_map".Length], shard.Entries.Keys));
        }
        AssertEqual(expected, SmallCheckpoint.Read(_folder.File("shards")));

        TorchWriter.Convert(Path.Combine(_folder.File("source"), "model.safetensors"), Path.Combine(_folder.File("source"), "pytorch_model.bin"));
        File.Delete(Path.Combine(_folder.File("source"), "model.safetensors"));
        QuantizedExport.Write(_folder.File("source"), _folder.File("from-pickles"), "BF16", true);
        byte[] Weights(string of) => File.ReadAllBytes(Path.Combine(of, "model.safetensors"));
        Assert.Equal(Weights(directory), Weights(_folder.File("from-pickles")));
    }

    [Fact]
    public void A_file_of_bitsandbytes_own_may_keep_a_linear_unquantised_and_has_no_blanks_and_a_map_of_its_own()
    {
        var directory = Quantized("model", true, "BF16");
        var expected = SmallCheckpoint.Read(directory);
        SmallCheckpoint.Rewrite(directory, tensors =>
        {
            foreach (var name in tensors.Keys.Where(name => name.EndsWith("__nf4", StringComparison.Ordinal)).ToArray())
                tensors[name] = Bytes(name, Content(tensors[name]).AsSpan().TrimEnd((byte)' ').ToArray());
            foreach (var name in tensors.Keys.Where(name => name.StartsWith($"{Query}.", StringComparison.Ordinal)).ToArray()) tensors.Remove(name);
            tensors[Query] = new SafetensorsTensor(Query, "F32", [32, 32], stream => stream.Write(new byte[4096]));
            // Older versions of PyTorch compute a few values of the map one unit in the last place away.
            var map = Content(tensors[Down + ".nested_quant_map"]);
            for (var at = 0; at < map.Length; at += 4) BitConverter.TryWriteBytes(map.AsSpan(at), BitConverter.ToSingle(map, at) * 0.5f);
            tensors[Down + ".nested_quant_map"] = new SafetensorsTensor(Down + ".nested_quant_map", "F32", [256], stream => stream.Write(map));
        });
        var actual = SmallCheckpoint.Read(directory);
        Assert.All(actual[Query], value => Assert.Equal(0, value));
        Assert.NotEqual(expected[Down], actual[Down]);
        foreach (var name in (string[])[Query, Down]) expected.Remove(name);
        foreach (var (name, values) in expected) Assert.Equal(values, actual[name]);
    }

    [Theory]
    [InlineData("""{"quant_method":"gptq","bits":4}""", ".quant_method", "'gptq'")]
    [InlineData("""{"quant_method":"awq"}""", ".quant_method", "'awq'")]
    [InlineData("""{"quant_method":"bitsandbytes","load_in_8bit":true}""", ".load_in_8bit", "8 bits")]
    [InlineData("""{"quant_method":"bitsandbytes"}""", ".load_in_4bit", "is not true")]
    [InlineData("""{"quant_method":"bitsandbytes","load_in_4bit":true}""", ".bnb_4bit_quant_type", "'fp4'")]
    [InlineData("""{"load_in_4bit":true,"bnb_4bit_quant_type":"fp4"}""", ".bnb_4bit_quant_type", "'fp4'")]
    [InlineData("""{"load_in_4bit":true,"bnb_4bit_quant_type":"nf4","bnb_4bit_quant_storage":"bfloat16"}""", ".bnb_4bit_quant_storage", "bfloat16")]
    [InlineData("\"nf4\"", "", "is not an object")]
    public void Another_form_is_refused_by_its_key(string value, string key, string what)
    {
        SmallCheckpoint.Export(_folder.File("model"));
        SetQuantization(_folder.File("model"), JsonNode.Parse(value));
        var failure = Assert.Throws<BadInputException>(() => HuggingFaceModel.ReadConfig(_folder.File("model")));
        Assert.EndsWith($"config.json: quantization_config{key}", failure.Where);
        Assert.Contains(what, failure.What);
    }

    [Fact]
    public void A_config_that_contradicts_the_weights_is_named()
    {
        var directory = Quantized("model", true, "BF16");
        var keys = JsonNode.Parse(File.ReadAllText(Path.Combine(directory, "config.json")))!["quantization_config"]!.DeepClone();
        SetQuantization(directory, null);
        Assert.Contains("is quantised, but config.json has no quantization_config", Refused(directory).What);
        SetQuantization(_folder.File("source"), keys);
        Assert.Contains("config.json has quantization_config, but no linear is quantised", Refused(_folder.File("source")).What);
    }

    [Theory]
    [InlineData(".absmax")]
    [InlineData(".quant_map")]
    [InlineData(".nested_absmax")]
    [InlineData(".nested_quant_map")]
    [InlineData(".quant_state.bitsandbytes__nf4")]
    [InlineData("")]
    public void A_missing_tensor_is_named(string suffix)
    {
        var directory = Quantized("model", true, "BF16");
        SmallCheckpoint.Rewrite(directory, tensors => tensors.Remove(Down + suffix));
        Assert.Contains($"tensor {Down + suffix} is missing", Refused(directory).What);
    }

    [Fact]
    public void A_tensor_that_does_not_fit_is_named_with_what_is_wrong_with_it()
    {
        var stated = Down + ".quant_state.bitsandbytes__nf4";
        Expect($"tensor {Down} is U8 [767, 1] where NF4 has U8 [768, 1]", tensors => Put(tensors, Down, "U8", 767, [767, 1]));
        Expect("element type BF16 where the 4-bit codes stand in bytes", tensors => Put(tensors, Down, "BF16", 768, [384, 1]));
        Expect($"tensor {Down}.absmax is F32 [24] where NF4 has U8 [24]", tensors => Put(tensors, Down + ".absmax", "F32", 96, [24]));
        Expect("does not hold the levels of NF4", tensors => Put(tensors, Down + ".quant_map", "F32", 64, [16]));
        Expect("quant_state.bitsandbytes__fp4", tensors =>
        {
            tensors[Down + ".quant_state.bitsandbytes__fp4"] = Bytes(Down + ".quant_state.bitsandbytes__fp4", Content(tensors[stated]));
            tensors.Remove(stated);
        });
        Expect("cannot be read", tensors => tensors[stated] = Bytes(stated, "{\"quant_type\": \"nf4\""u8.ToArray()));
        Expect("cannot be read", tensors => tensors[stated] = Bytes(stated, "{\"quant_type\": \"nf4\"}"u8.ToArray()));
        Expect("is of the type fp4", tensors => Restate(tensors, "\"nf4\"", "\"fp4\""));
        Expect("has blocks of 128", tensors => Restate(tensors, "\"blocksize\": 64", "\"blocksize\": 128"));
        Expect("has nested blocks of 512", tensors => Restate(tensors, "256", "512"));
        Expect("[32, 49], config.json asks for [32, 48]", tensors => Restate(tensors, "[32, 48]", "[32, 49]"));
        Expect($"tensor {Down}.nested_absmax is there, but {stated} does not say that the scales are nested",
            tensors => tensors[stated] = Bytes(stated, """{"quant_type": "nf4", "blocksize": 64, "dtype": "bfloat16", "shape": [32, 48]}"""u8.ToArray()));
        Expect("has no nested_offset", tensors => Restate(tensors, "nested_offset", "nested_mean"));
        Expect("tensor lm_head.weight has element type U8", tensors => Put(tensors, "lm_head.weight", "U8", 1024, [1024, 1]));
        Expect("is left over", tensors => tensors["lm_head.weight.absmax"] = Bytes("lm_head.weight.absmax", new byte[32]));

        void Expect(string what, Action<Dictionary<string, SafetensorsTensor>> change)
        {
            var directory = Quantized("model", true, "BF16");
            SmallCheckpoint.Rewrite(directory, change);
            Assert.Contains(what, Refused(directory).What);
            Directory.Delete(directory, recursive: true);
        }

        static void Put(Dictionary<string, SafetensorsTensor> tensors, string name, string type, int bytes, long[] shape) =>
            tensors[name] = new(name, type, shape, stream => stream.Write(new byte[bytes]));

        void Restate(Dictionary<string, SafetensorsTensor> tensors, string old, string text) =>
            tensors[stated] = Bytes(stated, Encoding.ASCII.GetBytes(Encoding.ASCII.GetString(Content(tensors[stated])).Replace(old, text)));
    }

    [Fact]
    public void A_broken_weight_is_named_and_no_directory_is_left()
    {
        SmallCheckpoint.Export(_folder.File("source"));
        SmallCheckpoint.Rewrite(_folder.File("source"), tensors =>
        {
            var bytes = Content(tensors[Down]);
            BitConverter.TryWriteBytes(bytes.AsSpan(400), float.NaN);
            tensors[Down] = new(Down, "F32", [32, 48], stream => stream.Write(bytes));
        });
        var failure = Assert.Throws<NonFiniteException>(() => QuantizedExport.Write(_folder.File("source"), _folder.File("model"), "BF16", true));
        Assert.Equal($"tensor {Down}", failure.Where);
        Assert.Equal([_folder.File("source")], Directory.GetFileSystemEntries(_folder.Root));
        Assert.Throws<ArgumentException>(
            () => HuggingFaceModel.ReadQuantized(_folder.File("source"), SmallCheckpoint.Config, ["lm_head.weight"], true, (_, _) => { }));
    }

    private string Quantized(string name, bool doubleQuant, string type)
    {
        if (!Directory.Exists(_folder.File("source"))) SmallCheckpoint.Export(_folder.File("source"));
        QuantizedExport.Write(_folder.File("source"), _folder.File(name), type, doubleQuant);
        return _folder.File(name);
    }

    private static Dictionary<string, float[]> Restored(string directory, bool doubleQuant)
    {
        var restored = new Dictionary<string, float[]>();
        HuggingFaceModel.ReadQuantized(directory, SmallCheckpoint.Config, HuggingFaceTensors.Linears(SmallCheckpoint.Config), doubleQuant, (name, tensor) =>
        {
            restored[name] = new float[tensor.Rows * tensor.Columns];
            tensor.Restore(restored[name]);
        });
        return restored;
    }

    private static BadInputException Refused(string directory)
    {
        var checkedOnly = Assert.Throws<BadInputException>(() => HuggingFaceModel.CheckWeights(directory, SmallCheckpoint.Config));
        var map = new ParameterMap(SmallCheckpoint.Config, 1);
        var read = Assert.Throws<BadInputException>(() => HuggingFaceModel.ReadWeights(directory, map, 0));
        Assert.Equal(checkedOnly.Message, read.Message);
        Assert.NotEmpty(read.Fix);
        return read;
    }

    private static void SetQuantization(string directory, JsonNode? keys)
    {
        var path = Path.Combine(directory, "config.json");
        var json = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        json.Remove("quantization_config");
        if (keys is not null) json["quantization_config"] = keys;
        File.WriteAllText(path, json.ToJsonString());
    }

    private static string Text(SafetensorsFile file, string name) =>
        Encoding.ASCII.GetString(new ReadOnlySpan<byte>(file.Address(file.Entries[name]), (int)file.Entries[name].Bytes));

    private static byte[] Content(SafetensorsTensor tensor)
    {
        using var bytes = new MemoryStream();
        tensor.Write(bytes);
        return bytes.ToArray();
    }

    private static SafetensorsTensor Bytes(string name, byte[] bytes) => new(name, "U8", [bytes.Length], stream => stream.Write(bytes));

    private static void AssertEqual(Dictionary<string, float[]> expected, Dictionary<string, float[]> actual)
    {
        Assert.Equal(expected.Keys, actual.Keys);
        foreach (var (name, values) in expected) Assert.Equal(values, actual[name]);
    }
}
