using static TorchSharp.torch;
using static TorchSharp.torch.nn.functional;

namespace Tulu2.Models.Classifiers;

/// <summary>
/// The forward pass of RoBERTa (Liu et al. 2019; <c>RobertaForSequenceClassification</c>): BERT's encoder with norms after each residual sum, learned positions
/// that begin at the padding id + 1, the exact GELU, and a head of dense, tanh and projection on the first token.
/// </summary>
/// <remarks>
/// Legend: R texts, N tokens of all texts, one after the other and without padding, T tokens of one text, D hidden size, H heads, K size of a head, C
/// classes. Without padding there is no mask,
/// and no text's tokens are computed twice. Attention is called once for each text.
/// </remarks>
internal static class RobertaEncoder
{
    /// <param name="texts">Ids of each text, special tokens included; at most <see cref="RobertaConfig.MaxLength"/>.</param>
    /// <returns>[R, C] logits, to be disposed of by the caller.</returns>
    public static Tensor Logits(RobertaConfig config, RobertaWeights weights, IReadOnlyList<int[]> texts)
    {
        using var scope = NewDisposeScope();
        using var inference = no_grad();
        var lengths = texts.Select(text => (long)text.Length).ToArray();
        var x_ND = Embed(config, weights, texts);
        foreach (var layer in weights.Layers) x_ND = Layer(config, layer, x_ND, lengths);
        var first_R = tensor(lengths.Take(lengths.Length - 1).Aggregate(new List<long> { 0 }, (starts, length) => [.. starts, starts[^1] + length]));
        var head_RD = Apply(weights.HeadDense, x_ND.index_select(0, first_R)).tanh();
        return Apply(weights.HeadOut, head_RD).MoveToOuterDisposeScope();
    }

    private static Tensor Embed(RobertaConfig config, RobertaWeights weights, IReadOnlyList<int[]> texts)
    {
        var words_ND = weights.Words.index_select(0, tensor(texts.SelectMany(text => text).Select(id => (long)id).ToArray()));
        var positions_ND = weights.Positions.index_select(0, tensor(texts.SelectMany(text => Positions(text, config.PadId)).ToArray()));
        return Normalize(words_ND + positions_ND + weights.TokenTypes[0], weights.EmbeddingNorm, config);
    }

    /// <summary>The row of each token in the table of positions. A padding token within a text takes the padding's own row and is not counted.</summary>
    internal static IEnumerable<long> Positions(int[] text, int padId)
    {
        var last = padId;
        foreach (var id in text) yield return id == padId ? padId : ++last;
    }

    private static Tensor Layer(RobertaConfig config, EncoderLayer layer, Tensor x_ND, long[] lengths)
    {
        using var scope = NewDisposeScope();
        var attended_ND = Apply(layer.AttentionOut, Attention(config, Apply(layer.QueryKeyValue, x_ND), lengths));
        var middle_ND = Normalize(x_ND + attended_ND, layer.AttentionNorm, config);
        var inner = gelu(Apply(layer.Up, middle_ND));
        return Normalize(middle_ND + Apply(layer.Down, inner), layer.OutputNorm, config).MoveToOuterDisposeScope();
    }

    private static Tensor Attention(RobertaConfig config, Tensor qkv_N3D, long[] lengths)
    {
        var size = config.HiddenSize / config.Heads;
        var parts = new List<Tensor>(lengths.Length);
        var start = 0L;
        foreach (var length in lengths)
        {
            // [T, 3, H, K] -> [3, 1, H, T, K].
            var qkv_31HTK = qkv_N3D.narrow(0, start, length).view(length, 3, config.Heads, size).permute(1, 2, 0, 3).unsqueeze(1);
            var y_1HTK = scaled_dot_product_attention(qkv_31HTK[0], qkv_31HTK[1], qkv_31HTK[2]);
            parts.Add(y_1HTK.squeeze(0).transpose(0, 1).reshape(length, config.HiddenSize));
            start += length;
        }
        return cat(parts, 0);
    }

    private static Tensor Apply(Dense dense, Tensor x) => linear(x, dense.Weight, dense.Bias);

    private static Tensor Normalize(Tensor x, Norm norm, RobertaConfig config) =>
        layer_norm(x, [config.HiddenSize], norm.Scale, norm.Shift, config.NormEpsilon);
}
