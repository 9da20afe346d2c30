using System.Text.Json.Nodes;
using Tulu2.Files;
using Tulu2.Models.Families;

namespace Tulu2.Models.Classifiers;

/// <summary>The shape of a RoBERTa sequence classifier, from its <c>config.json</c>.</summary>
/// <param name="Positions">Rows of the table of positions; the first token of a text takes row <see cref="PadId"/> + 1.</param>
/// <param name="Labels">Names of the classes, by id.</param>
internal sealed record RobertaConfig(
    int HiddenSize, int IntermediateSize, int Layers, int Heads, int VocabularySize, int Positions, int TokenTypes, double NormEpsilon, int PadId,
    IReadOnlyList<string> Labels)
{
    private const string Fix = "give a sequence classifier of RoBERTa's family";

    /// <summary>Maximum number of tokens of a text, special tokens included.</summary>
    public int MaxLength => Positions - PadId - 1;

    /// <exception cref="BadInputException">The file is missing or broken, or the model is of another kind.</exception>
    public static RobertaConfig Read(string directory)
    {
        if (ForeignPath.AsModel(directory) is var (what, fix)) throw new BadInputException(directory, what, fix);
        var path = Path.Combine(directory, "config.json");
        var json = JsonFile.ReadObject(path);
        var file = new ConfigFile(path, json);
        if (Text(json["model_type"]) is not "roberta" and var type) throw file.Fault("model_type", $"'{type}' is not roberta", Fix);
        if (json["architectures"] is JsonArray { Count: > 0 } list && Text(list[0]) is not "RobertaForSequenceClassification" and var architecture)
            throw file.Fault("architectures", $"{architecture} is no sequence classifier", Fix);
        if (Text(json["hidden_act"]) is { } activation and not "gelu") throw file.Fault("hidden_act", $"'{activation}' is not supported", Fix);
        if (Text(json["position_embedding_type"]) is { } positions and not "absolute")
            throw file.Fault("position_embedding_type", $"'{positions}' is not supported", Fix);
        var config = new RobertaConfig(
            file.Whole("hidden_size"), file.Whole("intermediate_size"), file.Whole("num_hidden_layers"), file.Whole("num_attention_heads"),
            file.Whole("vocab_size"), file.Whole("max_position_embeddings"), file.Whole("type_vocab_size", 1), file.Real("layer_norm_eps", 1e-5),
            file.Whole("pad_token_id", 1), Names(file, json));
        if (config.HiddenSize % config.Heads != 0)
            throw file.Fault("num_attention_heads", $"{config.Heads} does not divide a hidden size of {config.HiddenSize}", "correct config.json");
        if (config.MaxLength < 2) throw file.Fault("max_position_embeddings", $"{config.Positions} leaves no room for a text", "correct config.json");
        return config;
    }

    private static string[] Names(ConfigFile file, JsonObject json)
    {
        // transformers writes both; a class without a name is LABEL_n.
        if (json["id2label"] is JsonObject { Count: > 0 } names)
            return [.. Enumerable.Range(0, names.Count)
                .Select(id => Text(names[$"{id}"]) ?? throw file.Fault("id2label", $"has no class {id} of {names.Count}", "correct config.json"))];
        return [.. Enumerable.Range(0, file.Whole("num_labels", 2)).Select(id => $"LABEL_{id}")];
    }

    private static string? Text(JsonNode? node) => node?.ToString();
}
