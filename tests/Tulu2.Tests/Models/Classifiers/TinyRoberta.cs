using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json.Nodes;
using Tulu2.Checkpoints.Safetensors;
using Tulu2.Models.Classifiers;
using Tulu2.Tests.Data.Tokenizers.ByteLevel;

namespace Tulu2.Tests.Models.Classifiers;

/// <summary>
/// A RoBERTa classifier of three layers. Its weights are a formula of each tensor's name and the element's index, which Golden/roberta's program had too.
/// </summary>
internal static class TinyRoberta
{
    public const int Hidden = 48, Inner = 96, Layers = 3, Positions = 42;

    public static RobertaConfig Config { get; } = new(Hidden, Inner, Layers, 4, TinyByteLevel.Size, Positions, 1, 1e-5, 1, ["fine", "toxic", "third"]);

    /// <summary>Writes a whole Hugging Face directory.</summary>
    /// <param name="labels">Number of classes; those of <see cref="Config"/> where it is 3.</param>
    /// <param name="weight">Changes the weights: by tensor name and value.</param>
    public static void Write(string directory, Action<JsonObject>? configure = null, Func<string, float, float>? weight = null, int labels = 3)
    {
        Directory.CreateDirectory(directory);
        TinyByteLevel.WritePair(directory);
        var config = new JsonObject
        {
            ["architectures"] = new JsonArray("RobertaForSequenceClassification"),
            ["model_type"] = "roberta",
            ["hidden_size"] = Hidden,
            ["intermediate_size"] = Inner,
            ["num_hidden_layers"] = Layers,
            ["num_attention_heads"] = 4,
            ["vocab_size"] = TinyByteLevel.Size,
            ["max_position_embeddings"] = Positions,
            ["type_vocab_size"] = 1,
            ["layer_norm_eps"] = 1e-5,
            ["pad_token_id"] = 1,
            ["hidden_act"] = "gelu",
            ["id2label"] = new JsonObject { ["0"] = "fine", ["1"] = "toxic", ["2"] = "third" },
        };
        configure?.Invoke(config);
        File.WriteAllText(Path.Combine(directory, "config.json"), config.ToJsonString());
        using var stream = File.Create(Path.Combine(directory, "model.safetensors"));
        SafetensorsWriter.Write(stream, [.. Shapes(labels).Select(tensor => Tensor(tensor.Name, tensor.Shape, weight))], new Dictionary<string, string>());
    }

    private static SafetensorsTensor Tensor(string name, long[] shape, Func<string, float, float>? weight) => new(name, "F32", shape, stream =>
        stream.Write(MemoryMarshal.AsBytes(Values(name, shape).Select(value => weight?.Invoke(name, value) ?? value).ToArray().AsSpan())));

    private static IEnumerable<(string Name, long[] Shape)> Shapes(int labels)
    {
        const string embeddings = "roberta.embeddings.";
        yield return (embeddings + "word_embeddings.weight", [TinyByteLevel.Size, Hidden]);
        yield return (embeddings + "position_embeddings.weight", [Positions, Hidden]);
        yield return (embeddings + "token_type_embeddings.weight", [1, Hidden]);
        foreach (var tensor in Norm(embeddings + "LayerNorm")) yield return tensor;
        for (var number = 0; number < Layers; number++)
        {
            var layer = $"roberta.encoder.layer.{number}.";
            IEnumerable<(string, long[])> tensors =
            [
                .. Dense(layer + "attention.self.query", Hidden, Hidden), .. Dense(layer + "attention.self.key", Hidden, Hidden),
                .. Dense(layer + "attention.self.value", Hidden, Hidden),
                .. Dense(layer + "attention.output.dense", Hidden, Hidden), .. Norm(layer + "attention.output.LayerNorm"),
                .. Dense(layer + "intermediate.dense", Inner, Hidden), .. Dense(layer + "output.dense", Hidden, Inner), .. Norm(layer + "output.LayerNorm"),
            ];
            foreach (var tensor in tensors) yield return tensor;
        }
        // As the checkpoints of the time have it; a classifier does not use it.
        foreach (var tensor in Dense("roberta.pooler.dense", Hidden, Hidden)) yield return tensor;
        foreach (var tensor in Dense("classifier.dense", Hidden, Hidden)) yield return tensor;
        foreach (var tensor in Dense("classifier.out_proj", labels, Hidden)) yield return tensor;
    }

    private static IEnumerable<(string, long[])> Dense(string name, int outputs, int inputs) =>
        [(name + ".weight", [outputs, inputs]), (name + ".bias", [outputs])];

    private static IEnumerable<(string, long[])> Norm(string name) => [(name + ".weight", [Hidden]), (name + ".bias", [Hidden])];

    private static float[] Values(string name, long[] shape)
    {
        var hash = 0x811C9DC5u;
        foreach (var value in Encoding.ASCII.GetBytes(name)) hash = (hash ^ value) * 0x01000193;
        var scale = shape.Length == 2 ? 0.3 : 0.2;
        var isNorm = name.EndsWith("LayerNorm.weight", StringComparison.Ordinal);
        return [.. Enumerable.Range(0, (int)shape.Aggregate(1L, (product, size) => product * size))
            .Select(index => (float)(isNorm ? 1 + 0.5 * Uniform(hash, index) : scale * Uniform(hash, index)))];
    }

    // From -1 to 1.
    private static double Uniform(uint hash, int index)
    {
        var h = hash + (uint)index * 0x9E3779B1;
        h = (h ^ (h >> 16)) * 0x85EBCA6B;
        h = (h ^ (h >> 13)) * 0xC2B2AE35;
        return (h ^ (h >> 16)) / 4294967296.0 * 2 - 1;
    }
}
