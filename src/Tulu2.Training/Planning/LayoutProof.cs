using Tulu2.Files;
using Tulu2.Models.Families;
using Tulu2.Models.Parameters;

namespace Tulu2.Training.Planning;

/// <summary>One divisibility condition of a layout.</summary>
/// <param name="Rule">The two quantities, as in <c>slots over replicas</c>.</param>
/// <param name="Detail">Their values.</param>
/// <param name="Fix">What to change where the condition does not hold; otherwise null.</param>
public sealed record ProofLine(string Rule, string Detail, bool Holds, string? Fix = null);

/// <summary>Checks whether a model and a batch can be cut as a layout requires. Pure arithmetic; a failed condition does not skip the ones after it.</summary>
public static class LayoutProof
{
    /// <param name="virtualShards">Number of virtual shards in effect.</param>
    public static IReadOnlyList<ProofLine> Of(ModelConfig config, int virtualShards, int data, int tensor, int pipeline, int zero, int slots)
    {
        var lines = new List<ProofLine>
        {
            Divides("heads over virtual shards", config.Heads, virtualShards, "choose a smaller parallel.virtual_shards"),
            Divides("key-value heads over virtual shards", config.KeyValueHeads, virtualShards,
                $"use parallel.virtual_shards of at most {config.KeyValueHeads}: a rank holds whole key-value heads"),
            Wide("feed-forward width", config.IntermediateSize, virtualShards),
            Wide("query width", config.QueryWidth, virtualShards),
            Vocabulary(config, virtualShards),
            Divides("virtual shards over tensor-parallel ranks", virtualShards, tensor, $"use parallel.tensor: {Largest(virtualShards, tensor)}, or more virtual shards"),
            Stages(config, pipeline),
            slots >= data
                ? new ProofLine("slots over replicas", slots % data == 0
                    ? $"{slots} = {data} x {slots / data}"
                    : $"{slots} over {data}: {slots / data} or {slots / data + 1} each, so some wait", true)
                : new ProofLine("slots over replicas", $"{NumberText.Count(slots, "slot is", "slots are")} fewer than {data} replicas", false, $"use parallel.data of at most {slots}, or a smaller batch.slot"),
            Divides("replicas over ZeRO groups", data, zero, $"use parallel.zero: {Largest(data, zero)}"),
        };
        return lines;
    }

    private static ProofLine Divides(string rule, int whole, int parts, string fix) => parts >= 1 && whole % parts == 0
        ? new ProofLine(rule, $"{whole:N0} = {parts} x {whole / parts:N0}", true)
        : new ProofLine(rule, $"{whole:N0} is not a multiple of {parts}", false, fix);

    // Shards narrower than 16, or not a multiple of it, go through other matrix-product kernels, so that their bits differ.
    private static ProofLine Wide(string rule, int width, int shards) => shards == 1 || width % (shards * ParameterMap.Alignment) == 0
        ? new ProofLine(rule, $"{width:N0} = {shards} x {width / shards:N0}", true)
        : new ProofLine(rule, $"{width:N0} is not a multiple of {shards} x {ParameterMap.Alignment}", false, "choose a smaller parallel.virtual_shards");

    private static ProofLine Vocabulary(ModelConfig config, int shards)
    {
        var multiple = shards == 1 ? 1 : shards * ParameterMap.Alignment;
        var padded = (config.VocabularySize + multiple - 1) / multiple * multiple;
        return new ProofLine("vocabulary", padded == config.VocabularySize
            ? $"{padded:N0} = {shards} x {padded / shards:N0}"
            : $"{config.VocabularySize:N0} and {padded - config.VocabularySize:N0} rows of padding = {shards} x {padded / shards:N0}", true);
    }

    /// <summary>Whether there are enough layers, and the head is a tensor that the last stage can hold alone.</summary>
    public static ProofLine Stages(ModelConfig config, int stages)
    {
        if (stages > config.Layers)
            return new ProofLine("layers over stages", $"{NumberText.Count(config.Layers, "layer")} cannot be split into {stages} stages", false, $"use parallel.pipeline of at most {config.Layers}");
        if (stages > 1 && config.TieEmbeddings)
            return new ProofLine("layers over stages", "head and embedding are one tensor, which first and last stage would both hold", false,
                "use parallel.pipeline: 1; parallel.tensor cuts such a model too");
        var sizes = PipelineStages.Split(config, stages).Select(stage => stage.Count).ToArray();
        return new ProofLine("layers over stages", $"{config.Layers} = {string.Join(" + ", sizes)}", true);
    }

    private static int Largest(int whole, int wanted)
    {
        var degree = Math.Max(1, Math.Min(whole, wanted));
        while (whole % degree != 0) degree--;
        return degree;
    }
}
