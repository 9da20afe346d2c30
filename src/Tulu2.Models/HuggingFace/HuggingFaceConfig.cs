using System.Text.Json;
using System.Text.Json.Nodes;
using Tulu2.Files;
using Tulu2.Models.Llama;

namespace Tulu2.Models.HuggingFace;

/// <summary><c>config.json</c> of a Hugging Face checkpoint directory, in and out.</summary>
internal static class HuggingFaceConfig
{
    public const string FileName = "config.json";

    private const string Architecture = "LlamaForCausalLM";

    // The first transformers that reads head_dim.
    private static readonly Version EarliestReader = new(4, 45);

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <exception cref="BadInputException">Names the file and the key.</exception>
    public static LlamaConfig Read(string directory)
    {
        var path = Path.Combine(directory, FileName);
        if (ForeignPath.AsModel(directory) is var (wrong, instead)) throw new BadInputException(directory, wrong, instead);
        if (!File.Exists(path) && new FileInfo(path).LinkTarget is null)
            throw new BadInputException(path, "no such file", "give a directory that holds config.json, the weights and the tokenizer");
        var json = JsonFile.ReadObject(path);
        if (File.Exists(Path.Combine(directory, ForeignPath.AdapterConfig)))
            throw new BadInputException(Path.Combine(directory, ForeignPath.AdapterConfig), "an adapter stands beside a whole model, and it would not be applied",
                "merge it into the model (peft: merge_and_unload), or move its files away");

        var type = json["model_type"]?.ToString();
        if (type is not (null or "llama")) throw new BadInputException($"{path}: model_type", $"'{type}' is not a Llama", "choose a model whose model_type is llama");
        if (json["architectures"] is JsonArray { Count: > 0 } architectures && architectures.All(name => name?.ToString() != Architecture))
            throw new BadInputException(
                $"{path}: architectures", $"{architectures.ToJsonString()} is not {Architecture}", "choose a causal language model of the Llama family");
        var theta = RotaryKeys.Base(path, json);
        NeutralKeys.Check(path, json);
        if (json["quantization_config"] is not null)
            throw new BadInputException($"{path}: quantization_config", "quantized weights are not supported", "choose the checkpoint that they were made from");
        foreach (var bias in new[] { "attention_bias", "mlp_bias" })
            if (Flag(bias)) throw new BadInputException($"{path}: {bias}", "biases are not supported", "choose a model without them");
        if (json["hidden_act"]?.ToString() is { } activation and not ("silu" or "swish"))
            throw new BadInputException($"{path}: hidden_act", $"'{activation}' is not supported", "choose a model with silu");

        int hidden = Whole("hidden_size"), heads = Whole("num_attention_heads");
        var config = new LlamaConfig
        {
            HiddenSize = hidden,
            IntermediateSize = Whole("intermediate_size"),
            Layers = Whole("num_hidden_layers"),
            Heads = heads,
            KeyValueHeads = Whole("num_key_value_heads", heads),
            VocabularySize = Whole("vocab_size"),
            HeadSize = Whole("head_dim", hidden / heads),
            RopeTheta = theta,
            RmsNormEpsilon = Real("rms_norm_eps", 1e-6),
            MaxPositions = Whole("max_position_embeddings", 2048),
            TieEmbeddings = Flag("tie_word_embeddings"),
            InitializerRange = Real("initializer_range", 0.02),
            BeginningId = Id("bos_token_id", 1),
            EndId = Id("eos_token_id", 2),
        };
        if (config.Heads * config.HeadSize < hidden && json["head_dim"] is null)
            throw new BadInputException($"{path}: num_attention_heads", $"{heads} heads do not divide a hidden size of {hidden}", "correct config.json");
        if (config.Heads % config.KeyValueHeads != 0)
            throw new BadInputException($"{path}: num_key_value_heads", $"{config.KeyValueHeads} does not divide {config.Heads} heads", "correct config.json");
        if (config.HeadSize % 2 != 0) throw new BadInputException($"{path}: head_dim", $"{config.HeadSize} is odd, and rotary embeddings turn pairs", "correct config.json");
        return config;

        int Whole(string key, int? otherwise = null) => Number(key, node => node.GetValue<int>(), otherwise) is var value and > 0
            ? value
            : throw new BadInputException($"{path}: {key}", "must be above 0", "correct config.json");

        double Real(string key, double otherwise) => Number(key, node => node.GetValue<double>(), otherwise);

        // Some models list several end ids; the first is the one that training puts.
        int Id(string key, int otherwise) => Number(key, node => node is JsonArray { Count: > 0 } list ? list[0]!.GetValue<int>() : node.GetValue<int>(), otherwise);

        bool Flag(string key) => Number(key, node => node.GetValue<bool>(), false);

        T Number<T>(string key, Func<JsonNode, T> read, T? otherwise) where T : struct
        {
            if (json[key] is not { } node)
                return otherwise ?? throw new BadInputException($"{path}: {key}", "the key is missing", "copy the file again from the model's source");
            try { return read(node); }
            catch (Exception fault) when (fault is InvalidOperationException or FormatException)
            {
                throw new BadInputException($"{path}: {key}", $"'{node}' is no {(typeof(T) == typeof(bool) ? "true or false" : "number")}", "correct config.json", fault);
            }
        }
    }

    /// <summary>
    /// The text of a <c>config.json</c>; keys of <paramref name="source"/> (the file of the model that was trained) that this build does not know are kept.
    /// </summary>
    public static string Write(LlamaConfig config, string dataType, string? source)
    {
        var json = source is not null && File.Exists(source) ? (JsonObject)JsonNode.Parse(File.ReadAllBytes(source))! : [];
        json["architectures"] = new JsonArray(Architecture);
        json["model_type"] = "llama";
        json["hidden_size"] = config.HiddenSize;
        json["intermediate_size"] = config.IntermediateSize;
        json["num_hidden_layers"] = config.Layers;
        json["num_attention_heads"] = config.Heads;
        json["num_key_value_heads"] = config.KeyValueHeads;
        json["head_dim"] = config.HeadSize;
        json["vocab_size"] = config.VocabularySize;
        json["max_position_embeddings"] = config.MaxPositions;
        json["rope_theta"] = config.RopeTheta;
        if (json[RotaryKeys.Parameters] is JsonObject rope) rope["rope_theta"] = config.RopeTheta;
        json["rms_norm_eps"] = config.RmsNormEpsilon;
        json["tie_word_embeddings"] = config.TieEmbeddings;
        json["initializer_range"] = config.InitializerRange;
        json["bos_token_id"] = config.BeginningId;
        WriteEnd(json, config);
        json["torch_dtype"] = dataType switch { "F32" => "float32", "F16" => "float16", _ => "bfloat16" };
        if (json.ContainsKey("dtype")) json["dtype"] = json["torch_dtype"]!.DeepClone();
        json.TryAdd("hidden_act", "silu");
        json.TryAdd("attention_bias", false);
        json.TryAdd("attention_dropout", 0.0);
        json.TryAdd("mlp_bias", false);
        json.TryAdd("rope_scaling", null);
        json.TryAdd("pretraining_tp", 1);
        json.TryAdd("use_cache", true);
        WriteVersion(json);
        return json.ToJsonString(Indented) + "\n";
    }

    /// <summary>The text of a <c>generation_config.json</c>; what <paramref name="source"/> says of sampling is kept.</summary>
    public static string WriteGeneration(LlamaConfig config, string? source)
    {
        var json = source is not null && File.Exists(source) ? (JsonObject)JsonNode.Parse(File.ReadAllBytes(source))! : [];
        json.TryAdd("_from_model_config", true);
        json["bos_token_id"] = config.BeginningId;
        WriteEnd(json, config);
        WriteVersion(json);
        return json.ToJsonString(Indented) + "\n";
    }

    // A later one that the source names stays: it may have keys that only that one reads.
    private static void WriteVersion(JsonObject json)
    {
        var isLater = json["transformers_version"]?.ToString().Split('.') is [var major, var minor, ..] && int.TryParse(major, out var first)
            && int.TryParse(minor, out var second) && new Version(first, second) >= EarliestReader;
        if (!isLater) json["transformers_version"] = $"{EarliestReader}.0";
    }

    // A list of end ids that begins with ours says more than ours alone.
    private static void WriteEnd(JsonObject json, LlamaConfig config)
    {
        if (json["eos_token_id"] is not JsonArray { Count: > 0 } list || list[0]!.GetValue<int>() != config.EndId) json["eos_token_id"] = config.EndId;
    }
}
