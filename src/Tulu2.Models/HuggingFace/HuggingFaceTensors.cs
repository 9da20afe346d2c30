using Tulu2.Models.Llama;

namespace Tulu2.Models.HuggingFace;

/// <summary>Names and shapes of a Llama checkpoint's tensors (docs/reference/tulu2.md, tensor names), in the order in which files hold them.</summary>
public static class HuggingFaceTensors
{
    public const string Embedding = "model.embed_tokens.weight";
    public const string Head = "lm_head.weight";

    private static readonly string[] Inside = ["model.", "lm_head.", "base_model."];
    private static readonly string[] Buffers = [".rotary_emb.inv_freq", ".rotary_emb.cos_cached", ".rotary_emb.sin_cached", ".position_ids", ".masked_bias"];

    /// <summary>A tied model has no head of its own.</summary>
    public static IReadOnlyList<(string Name, long[] Shape)> Of(LlamaConfig config)
    {
        long hidden = config.HiddenSize, feed = config.IntermediateSize;
        var tensors = new List<(string, long[])> { (Embedding, [config.VocabularySize, hidden]) };
        for (var layer = 0; layer < config.Layers; layer++)
        {
            var prefix = $"model.layers.{layer}.";
            tensors.AddRange(
            [
                (prefix + "input_layernorm.weight", [hidden]),
                (prefix + "self_attn.q_proj.weight", [config.QueryWidth, hidden]),
                (prefix + "self_attn.k_proj.weight", [config.KeyValueWidth, hidden]),
                (prefix + "self_attn.v_proj.weight", [config.KeyValueWidth, hidden]),
                (prefix + "self_attn.o_proj.weight", [hidden, config.QueryWidth]),
                (prefix + "post_attention_layernorm.weight", [hidden]),
                (prefix + "mlp.gate_proj.weight", [feed, hidden]),
                (prefix + "mlp.up_proj.weight", [feed, hidden]),
                (prefix + "mlp.down_proj.weight", [hidden, feed]),
            ]);
        }
        tensors.Add(("model.norm.weight", [hidden]));
        if (!config.TieEmbeddings) tensors.Add((Head, [config.VocabularySize, hidden]));
        return tensors;
    }

    /// <summary>
    /// Tensors that say nothing of a causal language model: what lies outside of it (a classifier's <c>score.weight</c>, a value head), and buffers that old
    /// checkpoints carry and that are computed, not read. Anything else inside of it that has no place (a bias, a scale, one layer more) has a meaning.
    /// </summary>
    public static bool IsUnused(string name) =>
        Buffers.Any(buffer => name.EndsWith(buffer, StringComparison.Ordinal))
        || !Inside.Any(prefix => name.StartsWith(prefix, StringComparison.Ordinal));
}
