using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Tulu2.Files;

namespace Tulu2.Models.Families;

/// <summary>
/// Keys by which relatives of a plain decoder differ from it. Each is accepted with the value that changes nothing; with any other the model is another one,
/// whose key would be ignored in silence.
/// </summary>
internal static class NeutralKeys
{
    // The value that changes nothing, beside null.
    private static readonly Dictionary<string, double?> Values = new()
    {
        ["partial_rotary_factor"] = 1,
        ["attention_dropout"] = 0,
        ["hidden_dropout"] = 0,
        ["resid_pdrop"] = 0,
        ["embd_pdrop"] = 0,
        ["attention_multiplier"] = null,
        ["embedding_multiplier"] = 1,
        ["residual_multiplier"] = 1,
        ["logits_scaling"] = 1,
        ["logit_scale"] = 1,
        ["attn_logit_softcapping"] = null,
        ["final_logit_softcapping"] = null,
        ["attention_chunk_size"] = null,
        ["num_local_experts"] = null,
        ["num_experts"] = null,
        ["use_qk_norm"] = 0,
        ["qk_layernorm"] = 0,
        ["add_cross_attention"] = 0,
        ["is_encoder_decoder"] = 0,
    };

    /// <exception cref="BadInputException">Names the key and its value.</exception>
    public static void Check(string path, JsonObject json)
    {
        foreach (var (key, neutral) in Values)
            if (json[key] is { } node && !(neutral is { } value && Number(node) == value))
                throw Refused(path, key, node, neutral);
        // A window as wide as the context hides nothing.
        if (json["sliding_window"] is { } window && json["use_sliding_window"]?.GetValueKind() != JsonValueKind.False
            && !(Number(window) is { } width && Number(json["max_position_embeddings"]) is { } positions && width >= positions))
            throw Refused(path, "sliding_window", window, null);
        if (json["layer_types"] is { } types && !(types is JsonArray list && list.All(type => type?.ToString() == "full_attention")))
            throw Refused(path, "layer_types", types, null);
        if (json["pruned_heads"] is { } pruned && pruned is not JsonObject { Count: 0 }) throw Refused(path, "pruned_heads", pruned, null);
    }

    private static double? Number(JsonNode? node) => node?.GetValueKind() switch
    {
        JsonValueKind.Number => node.GetValue<double>(),
        JsonValueKind.True => 1,
        JsonValueKind.False => 0,
        _ => null,
    };

    private static BadInputException Refused(string path, string key, JsonNode value, double? neutral) =>
        new($"{path}: {key}", $"{value.ToJsonString()} changes what the model computes, which is not supported",
            neutral is { } number
                ? string.Create(CultureInfo.InvariantCulture, $"choose a model without it; where the weights do not depend on it, write {number} or remove the key")
                : "choose a model without it; where the weights do not depend on it, remove the key");
}
