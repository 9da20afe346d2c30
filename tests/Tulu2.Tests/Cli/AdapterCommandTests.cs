using System.Text.Json;
using System.Text.Json.Nodes;
using Tulu2.Checkpoints.Safetensors;
using Tulu2.Data.Chat;
using Tulu2.Evaluation.Generation;
using Tulu2.Models.HuggingFace;
using Tulu2.Models.Inference;
using Tulu2.Runs.Output;
using Tulu2.Tests.Models.Inference;
using Tulu2.Tests.Runs;
using Xunit;

namespace Tulu2.Tests.Cli;

/// <summary>Runs with adapters, their files and merging, as a user runs them.</summary>
public sealed class AdapterCommandTests : IDisposable
{
    private readonly SmallTraining _small = new();

    public void Dispose() => _small.Dispose();

    private async Task<(JsonElement Result, string Errors)> RunAsync(params string[] arguments)
    {
        var (code, output, errors) = await CommandLineTests.RunAsync("", arguments);
        Assert.True(code == ExitCode.Done, output + errors);
        return (arguments.Contains("--json") ? JsonDocument.Parse(output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]).RootElement : default, errors);
    }

    private async Task<string> RefusedAsync(params string[] arguments)
    {
        var (code, output, errors) = await CommandLineTests.RunAsync("", arguments);
        Assert.True(code == ExitCode.BadInput, output + errors);
        return errors;
    }

    private Task<(JsonElement Result, string Errors)> TrainAsync(string run, string lora, string objective = "sft", params string[] more) =>
        RunAsync(["train", _small.Recipe(objective, rest: $"lora: {lora}"), "--run", _small.In(run), "--in-process", "--json", .. more]);

    // Log-probabilities of some answers; the adapters must change them visibly for a comparison to mean anything.
    private static double[] Scores(string model)
    {
        using var generator = TextGenerator.Load(model);
        var sequences = new[] { "It is 5.", "What is 7 plus 1? It is 8.", "No idea, 3. What?" }.Select(text =>
        {
            var ids = generator.EncodeRaw(text);
            return new EncodedSequence(ids, [new LossSpan(1, ids.Length)], false, ids.Length);
        }).ToList();
        return [.. new LogProbabilityScorer(generator).Score(sequences)];
    }

    private static double Distance(double[] one, double[] other) => one.Zip(other, (a, b) => Math.Abs(a - b)).Max();

    [Theory]
    [InlineData("{ rank: 8, dropout: 0.1 }", "original")]
    [InlineData("{ rank: 8, quantize: nf4 }", "dequantized")]
    [InlineData("{ rank: 4, rslora: true, quantize: nf4, double_quant: false, targets: [q_proj, down_proj] }", "dequantized")]
    public async Task Adapters_and_the_model_that_they_are_merged_into_say_the_same(string lora, string weights)
    {
        await TrainAsync("run", lora, "sft", "--set", "optimizer.learning_rate=0.05");
        string model = _small.In("run/exports/base"), adapter = _small.In("run/exports/final"), quantized = _small.In("quantized");
        if (weights == "dequantized")
        {
            // The form that the adapters were trained beside.
            await RunAsync(["quantize", "--model", model, "--to", quantized, "--dtype", "fp32", .. lora.Contains("double_quant: false") ? ["--no-double-quant"] : Array.Empty<string>()]);
            model = quantized;
        }
        var (merged, _) = await RunAsync("merge", "--model", model, "--adapter", adapter, "--to", _small.In("merged"), "--dtype", "fp32", "--json");
        Assert.Equal(weights, merged.GetProperty("base").GetString());
        await RunAsync("export", _small.In("run"), "--to", _small.In("exported"), "--merge", "--dtype", "fp32");
        var together = Scores(new ModelFolders(model, adapter).Text);
        Assert.InRange(Distance(together, Scores(_small.In("merged"))), 0, 1e-4);
        Assert.InRange(Distance(together, Scores(_small.In("exported"))), 0, 1e-4);
        Assert.True(Distance(together, Scores(model)) > 1e-2);
        // Each of two shards has its rows of the adapters' outer sides.
        var config = HuggingFaceModel.ReadConfig(model);
        int[] ids = [1, 5, 9, 30, 7, 200];
        using (var whole = InferenceModel.Load(model, config, adapter))
            Assert.Equal(InferenceRun.Alone(whole, ids), InferenceRun.Sharded(shard => InferenceModel.Load(model, config, adapter, shard: shard), 2, [ids], 1, 9, 1)[0]);
        // A folder alone finds the model that it names.
        Assert.Equal(Scores(new ModelFolders(_small.In("run/exports/base"), adapter).Text), Scores(adapter));
        Assert.Equal(weights, Metadata(_small.In("merged/model.safetensors"))["merged_base"].Split(' ')[0]);
    }

    [Fact]
    public async Task Merging_says_how_far_the_other_weights_are_and_takes_them_if_told()
    {
        await TrainAsync("run", "{ rank: 8, quantize: nf4 }");
        string model = _small.In("run/exports/base"), adapter = _small.In("run/exports/final");
        var (one, errors) = await RunAsync("merge", "--model", model, "--adapter", adapter, "--to", _small.In("one"), "--dtype", "fp32", "--json");
        Assert.Equal("dequantized", one.GetProperty("base").GetString());
        var largest = one.GetProperty("largest_difference").GetSingle();
        Assert.InRange(largest, 1e-4, 1);
        Assert.Contains("the original weights, which --base would choose, differ from these by up to", errors, StringComparison.Ordinal);
        var (other, _) = await RunAsync("merge", "--model", model, "--adapter", adapter, "--to", _small.In("other"), "--base", "original", "--dtype", "fp32", "--json");
        Assert.Equal("original", other.GetProperty("base").GetString());
        Assert.Equal(largest, other.GetProperty("largest_difference").GetSingle());
        var (a, b) = (Tensors(_small.In("one")), Tensors(_small.In("other")));
        Assert.Equal(largest, a.Max(tensor => tensor.Value.Zip(b[tensor.Key], (x, y) => Math.Abs(x - y)).Max()), 1e-6f);
    }

    [Fact]
    public async Task Several_adapters_are_added_with_their_weights()
    {
        await TrainAsync("run", "{ rank: 4 }");
        string model = _small.In("run/exports/base"), adapter = _small.In("run/exports/final");
        await RunAsync("merge", "--model", model, "--adapter", adapter, "--to", _small.In("once"), "--dtype", "fp32");
        await RunAsync("merge", "--model", model, "--adapter", $"{adapter}=0.25", "--adapter", $"{adapter}=0.75", "--to", _small.In("parts"), "--dtype", "fp32");
        await RunAsync("merge", "--model", model, "--adapter", $"{adapter}=1", "--adapter", $"{adapter}=-1", "--to", _small.In("none"), "--dtype", "fp32");
        var (start, once, parts, none) = (Tensors(model), Tensors(_small.In("once")), Tensors(_small.In("parts")), Tensors(_small.In("none")));
        foreach (var (name, values) in start)
        {
            Assert.Equal(once[name], parts[name], (x, y) => Math.Abs(x - y) <= 1e-6);
            Assert.Equal(values, none[name], (x, y) => Math.Abs(x - y) <= 1e-6);
        }
        Assert.Contains(start, tensor => !tensor.Value.SequenceEqual(once[tensor.Key]));
    }

    [Fact]
    public async Task Adapters_are_trained_on_and_dpo_takes_the_model_without_them_for_its_reference()
    {
        var (first, _) = await TrainAsync("run", "{ rank: 4, dropout: 0 }");
        var (second, _) = await TrainAsync("again", $"{{ rank: 4, dropout: 0, adapter: {_small.In("run/exports/final")} }}");
        Assert.True(second.GetProperty("loss_first").GetDouble() < first.GetProperty("loss_first").GetDouble());
        var (dpo, _) = await TrainAsync("dpo", $"{{ rank: 4, dropout: 0, adapter: {_small.In("run/exports/final")} }}", "dpo");
        // The policy has left the reference already.
        Assert.NotEqual(Math.Log(2), dpo.GetProperty("loss_first").GetDouble(), 1e-6);
        foreach (var (keys, what) in ((string, string)[])[
            ("rank: 8", "lora.rank"), ("rank: 4, alpha: 8", "lora.alpha"), ("rank: 4, rslora: true", "lora.rslora"), ("rank: 4, targets: [q_proj]", "lora.targets")])
        {
            var errors = await RefusedAsync("train", _small.Recipe(rest: $"lora: {{ {keys}, adapter: {_small.In("run/exports/final")} }}"), "--run", _small.In("other"));
            Assert.Contains(what, errors, StringComparison.Ordinal);
            Assert.Contains("the adapters in", errors, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task What_does_not_fit_is_refused_by_name()
    {
        await TrainAsync("run", "{ rank: 4 }");
        string model = _small.In("run/exports/base"), adapter = _small.In("run/exports/final");
        Assert.Contains("the model has no projection 'w_proj'", await RefusedAsync("train", _small.Recipe(rest: "lora: { targets: [w_proj] }"), "--run", _small.In("no")), StringComparison.Ordinal);
        Assert.Contains("holds no adapter_config.json", await RefusedAsync("chat", "--model", model, "--adapter", model), StringComparison.Ordinal);
        Assert.Contains("is an adapter, not a model", await RefusedAsync("train", _small.Recipe(model: $"{{ path: {adapter} }}"), "--run", _small.In("no")), StringComparison.Ordinal);
        Assert.Contains("the run trains no adapters", await ExportedAsync(), StringComparison.Ordinal);

        // Another shape, another layer, another kind.
        var wide = Copy("wide", json => { }, tensors => tensors["base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight"] = [3, 4]);
        Assert.Contains("tensor base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight has shape [3, 4]", await RefusedAsync("chat", "--model", model, "--adapter", wide), StringComparison.Ordinal);
        var more = Copy("more", json => { }, tensors => tensors["base_model.model.model.layers.77.self_attn.q_proj.lora_B.weight"] = [3, 4]);
        Assert.Contains("tensor base_model.model.model.layers.77.self_attn.q_proj.lora_B.weight is left over", await RefusedAsync("chat", "--model", model, "--adapter", more), StringComparison.Ordinal);
        var less = Copy("less", json => { }, tensors => tensors.Remove("base_model.model.model.layers.1.mlp.up_proj.lora_A.weight"));
        Assert.Contains("tensor base_model.model.model.layers.1.mlp.up_proj.lora_A.weight is missing", await RefusedAsync("chat", "--model", model, "--adapter", less), StringComparison.Ordinal);
        foreach (var (key, value) in ((string, JsonNode)[])[
            ("use_dora", true), ("rank_pattern", new JsonObject { ["q_proj"] = 8 }), ("alpha_pattern", new JsonObject { ["q_proj"] = 8 }), ("bias", "all"),
            ("modules_to_save", new JsonArray("lm_head")), ("peft_type", "IA3"), ("fan_in_fan_out", true), ("layer_replication", new JsonArray(1))])
        {
            var other = Copy("other", json => json[key] = value, _ => { });
            Assert.Contains($"adapter_config.json: {key}", (await RefusedAsync("chat", "--model", model, "--adapter", other)), StringComparison.Ordinal);
        }

        async Task<string> ExportedAsync()
        {
            await RunAsync("train", _small.Recipe(), "--run", _small.In("full"), "--in-process");
            return await RefusedAsync("export", _small.In("full"), "--to", _small.In("nowhere"), "--merge");
        }

        string Copy(string name, Action<JsonObject> config, Action<Dictionary<string, long[]>> tensors)
        {
            var folder = Directory.CreateDirectory(_small.In(name)).FullName;
            var json = (JsonObject)JsonNode.Parse(File.ReadAllText(Path.Combine(adapter, "adapter_config.json")))!;
            config(json);
            File.WriteAllText(Path.Combine(folder, "adapter_config.json"), json.ToJsonString());
            Dictionary<string, long[]> shapes;
            using (var file = new SafetensorsFile(Path.Combine(adapter, "adapter_model.safetensors"))) shapes = file.Entries.Values.ToDictionary(entry => entry.Name, entry => entry.Shape.ToArray());
            tensors(shapes);
            using var stream = File.Create(Path.Combine(folder, "adapter_model.safetensors"));
            SafetensorsWriter.Write(stream, [.. shapes.Select(tensor => new SafetensorsTensor(tensor.Key, "F32", tensor.Value, to => to.Write(new byte[4 * tensor.Value[0] * tensor.Value[1]])))],
                new Dictionary<string, string>());
            return folder;
        }
    }

    [Fact]
    public async Task The_folder_is_what_peft_writes()
    {
        await TrainAsync("run", "{ rank: 4, alpha: 8, dropout: 0.05, targets: [q_proj, up_proj] }");
        var folder = _small.In("run/exports/final");
        var config = (JsonObject)JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "adapter_config.json")))!;
        Assert.Equal("LORA", config["peft_type"]!.GetValue<string>());
        Assert.Equal("CAUSAL_LM", config["task_type"]!.GetValue<string>());
        Assert.Equal((4, 8), (config["r"]!.GetValue<int>(), config["lora_alpha"]!.GetValue<int>()));
        Assert.Equal(0.05, config["lora_dropout"]!.GetValue<double>());
        Assert.Equal(["q_proj", "up_proj"], config["target_modules"]!.AsArray().Select(name => name!.GetValue<string>()));
        Assert.Equal(_small.In("run/exports/base"), config["base_model_name_or_path"]!.GetValue<string>());
        using var file = new SafetensorsFile(Path.Combine(folder, "adapter_model.safetensors"));
        Assert.All(file.Entries.Values, entry => Assert.Equal("F32", entry.DataType));
        Assert.Equal("pt", file.Metadata["format"]);
        var layers = HuggingFaceModel.ReadConfig(_small.In("run/exports/base")).Layers;
        Assert.Equal(
            from layer in Enumerable.Range(0, layers)
            from module in (string[])["mlp.up_proj", "self_attn.q_proj"]
            from side in (string[])["A", "B"]
            select $"base_model.model.model.layers.{layer}.{module}.lora_{side}.weight", file.Entries.Keys.Order(StringComparer.Ordinal));
        Assert.True(File.Exists(Path.Combine(folder, "tokenizer_config.json")));
    }

    private static IReadOnlyDictionary<string, string> Metadata(string path)
    {
        using var file = new SafetensorsFile(path);
        return file.Metadata.ToDictionary();
    }

    private static unsafe Dictionary<string, float[]> Tensors(string directory)
    {
        using var file = new SafetensorsFile(Path.Combine(directory, "model.safetensors"));
        return file.Entries.Values.ToDictionary(entry => entry.Name, entry => new ReadOnlySpan<float>(file.Address(entry), (int)(entry.Bytes / sizeof(float))).ToArray());
    }
}
