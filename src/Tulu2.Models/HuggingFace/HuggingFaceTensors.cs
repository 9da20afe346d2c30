using Tulu2.Models.Families;

namespace Tulu2.Models.HuggingFace;

/// <summary>Names and shapes of a checkpoint's tensors, in the order in which files hold them.</summary>
public static class HuggingFaceTensors
{
    private static readonly string[] Inside = ["model.", "lm_head.", "base_model."];
    private static readonly string[] Buffers = [".rotary_emb.inv_freq", ".rotary_emb.cos_cached", ".rotary_emb.sin_cached", ".position_ids", ".masked_bias"];

    /// <summary>A tied model has no head of its own.</summary>
    public static IReadOnlyList<(string Name, long[] Shape)> Of(ModelConfig config) =>
        [.. config.Family.Tensors(config).Select(tensor => (tensor.Name, tensor.Shape))];

    /// <summary>Names of the linears' weights [outputs, inputs], which quantised checkpoints hold in NF4: all matrices but embedding and head.</summary>
    public static IReadOnlyList<string> Linears(ModelConfig config) => [.. config.Family.Tensors(config).Where(tensor => tensor.IsLinear).Select(tensor => tensor.Name)];

    /// <summary>
    /// Tensors that do not belong to a causal language model: those outside of it (a classifier's <c>score.weight</c>, a value head), and buffers that old
    /// checkpoints carry and that are computed, not read. Anything else inside of it that has no place (a bias, a scale, one layer more) has a meaning.
    /// </summary>
    public static bool IsUnused(string name) =>
        Buffers.Any(buffer => name.EndsWith(buffer, StringComparison.Ordinal))
        || !Inside.Any(prefix => name.StartsWith(prefix, StringComparison.Ordinal));
}
