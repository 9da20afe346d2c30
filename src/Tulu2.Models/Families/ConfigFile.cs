using System.Text.Json.Nodes;
using Tulu2.Files;

namespace Tulu2.Models.Families;

/// <summary>A <c>config.json</c> as a family reads it: typed keys, and faults that name file and key.</summary>
/// <param name="path">For faults.</param>
internal sealed class ConfigFile(string path, JsonObject json)
{
    private const string Fix = "correct config.json";

    public JsonNode? this[string key] => json[key];

    /// <summary>
    /// The keys that all families have. Refuses what changes a decoder's computation and is not supported: scaled rotary embeddings, other activations,
    /// quantized weights but for NF4 (<see cref="QuantizationKeys"/>), keys of relatives (<see cref="NeutralKeys"/>).
    /// </summary>
    /// <exception cref="BadInputException">A key is missing, has a value that is not possible, or one that is not supported.</exception>
    public ModelConfig Shape()
    {
        var theta = RotaryKeys.Base(path, json);
        NeutralKeys.Check(path, json);
        QuantizationKeys.Check(path, json);
        if (json["hidden_act"]?.ToString() is { } activation and not ("silu" or "swish"))
            throw Fault("hidden_act", $"'{activation}' is not supported", "choose a model with silu");
        int hidden = Whole("hidden_size"), heads = Whole("num_attention_heads");
        var config = new BareShape
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
            throw Fault("num_attention_heads", $"{heads} heads do not divide a hidden size of {hidden}", Fix);
        if (config.Heads % config.KeyValueHeads != 0) throw Fault("num_key_value_heads", $"{config.KeyValueHeads} does not divide {config.Heads} heads", Fix);
        if (config.HeadSize % 2 != 0) throw Fault("head_dim", $"{config.HeadSize} is odd, and rotary embeddings turn pairs", Fix);
        return config;
    }

    /// <summary>Writes the keys that <see cref="Shape"/> reads.</summary>
    public static void WriteShape(ModelConfig config, JsonObject json)
    {
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
        WriteEnd(config, json);
    }

    // A list of end ids that begins with ours says more than ours alone.
    public static void WriteEnd(ModelConfig config, JsonObject json)
    {
        if (json["eos_token_id"] is not JsonArray { Count: > 0 } list || list[0]!.GetValue<int>() != config.EndId) json["eos_token_id"] = config.EndId;
    }

    public BadInputException Fault(string key, string what, string fix) => new($"{path}: {key}", what, fix);

    /// <exception cref="BadInputException">The key is true.</exception>
    public void RefuseTrue(string key, string what, string fix)
    {
        if (Flag(key)) throw Fault(key, what, fix);
    }

    /// <summary>A number above 0.</summary>
    public int Whole(string key, int? otherwise = null) =>
        Value(key, node => node.GetValue<int>(), otherwise) is var value and > 0 ? value : throw Fault(key, "must be above 0", Fix);

    public double Real(string key, double otherwise) => Value(key, node => node.GetValue<double>(), otherwise);

    public bool Flag(string key) => Value(key, node => node.GetValue<bool>(), false);

    // Some models list several end ids; the first is the one that training puts.
    private int Id(string key, int otherwise) =>
        Value(key, node => node is JsonArray { Count: > 0 } list ? list[0]!.GetValue<int>() : node.GetValue<int>(), otherwise);

    private T Value<T>(string key, Func<JsonNode, T> read, T? otherwise) where T : struct
    {
        if (json[key] is not { } node) return otherwise ?? throw Fault(key, "the key is missing", "copy the file again from the model's source");
        try
        {
            return read(node);
        }
        catch (Exception fault) when (fault is InvalidOperationException or FormatException)
        {
            throw new BadInputException($"{path}: {key}", $"'{node}' is no {(typeof(T) == typeof(bool) ? "true or false" : "number")}", Fix, fault);
        }
    }

    /// <summary>A shape from which a family makes its own record.</summary>
    private sealed record BareShape : ModelConfig
    {
        internal override ModelFamily Family => throw new InvalidOperationException("a shape without a family");
    }
}
