namespace Tulu2.Models.Families;

/// <summary>
/// Names, shapes and roles of the tensors of a decoder with RMS norms before attention and SwiGLU, as transformers names them (docs/reference/tulu2.md, tensor names).
/// </summary>
internal static class DecoderTensors
{
    /// <param name="biases">Projections that have a bias: <c>q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj</c>.</param>
    public static IReadOnlyList<ModelTensor> Of(ModelConfig config, params string[] biases)
    {
        const string head = "lm_head.weight";
        long hidden = config.HiddenSize, feed = config.IntermediateSize;
        long[] vocabulary = [config.VocabularySize, hidden];
        List<ModelTensor> tensors =
        [
            new("model.embed_tokens.weight", vocabulary, TensorRole.Vocabulary, ModelTensor.BeforeLayers, "embed") { Alias = config.TieEmbeddings ? head : null },
        ];
        for (var layer = 0; layer < config.Layers; layer++)
        {
            Norm(layer, "norm1", "input_layernorm");
            Column(layer, "qkv", "self_attn", "q_proj", config.QueryWidth);
            Column(layer, "qkv", "self_attn", "k_proj", config.KeyValueWidth);
            Column(layer, "qkv", "self_attn", "v_proj", config.KeyValueWidth);
            Row(layer, "o", "self_attn", "o_proj", config.QueryWidth);
            Norm(layer, "norm2", "post_attention_layernorm");
            Column(layer, "gate_up", "mlp", "gate_proj", feed);
            Column(layer, "gate_up", "mlp", "up_proj", feed);
            Row(layer, "down", "mlp", "down_proj", feed);
        }
        tensors.Add(new("model.norm.weight", [hidden], TensorRole.Norm, config.Layers, "norm"));
        if (!config.TieEmbeddings) tensors.Add(new(head, vocabulary, TensorRole.Vocabulary, config.Layers, "head"));
        return tensors;

        void Norm(int layer, string key, string name) =>
            tensors.Add(new($"model.layers.{layer}.{name}.weight", [hidden], TensorRole.Norm, layer, $"{layer}.{key}"));

        void Column(int layer, string key, string module, string projection, long outputs) =>
            Linear(layer, key, module, projection, [outputs, hidden], TensorRole.ColumnWeight, TensorRole.ColumnBias);

        void Row(int layer, string key, string module, string projection, long inputs) =>
            Linear(layer, key, module, projection, [hidden, inputs], TensorRole.RowWeight, TensorRole.RowBias);

        void Linear(int layer, string key, string module, string projection, long[] shape, TensorRole weight, TensorRole bias)
        {
            var name = $"model.layers.{layer}.{module}.{projection}";
            tensors.Add(new($"{name}.weight", shape, weight, layer, $"{layer}.{key}"));
            if (biases.Contains(projection)) tensors.Add(new($"{name}.bias", [shape[0]], bias, layer, $"{layer}.{key}.bias"));
        }
    }
}
