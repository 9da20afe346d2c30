using System.Text.Json;
using System.Text.Json.Nodes;
using Tulu2.Files;
using Tulu2.Models.Families;

namespace Tulu2.Models.HuggingFace;

/// <summary><c>config.json</c> of a Hugging Face checkpoint directory, in and out.</summary>
internal static class HuggingFaceConfig
{
    public const string FileName = "config.json";

    // The first transformers that reads head_dim.
    private static readonly Version EarliestReader = new(4, 45);

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <exception cref="BadInputException">Names the file and the key.</exception>
    public static ModelConfig Read(string directory)
    {
        var path = Path.Combine(directory, FileName);
        if (ForeignPath.AsModel(directory) is var (wrong, instead)) throw new BadInputException(directory, wrong, instead);
        if (!File.Exists(path) && new FileInfo(path).LinkTarget is null)
            throw new BadInputException(path, "no such file", "give a directory that holds config.json, the weights and the tokenizer");
        var json = JsonFile.ReadObject(path);
        if (File.Exists(Path.Combine(directory, ForeignPath.AdapterConfig)))
            throw new BadInputException(Path.Combine(directory, ForeignPath.AdapterConfig), "an adapter stands beside a whole model, and it would not be applied",
                "merge it into the model (`tulu2 merge`), or move its files away");
        return Parse(path, json);
    }

    /// <param name="path">For faults.</param>
    /// <exception cref="BadInputException">Names the file and the key.</exception>
    public static ModelConfig Parse(string path, JsonObject json)
    {
        var type = json["model_type"]?.ToString();
        if (ModelFamilies.Reading(type) is not { } family)
            throw new BadInputException($"{path}: model_type", $"'{type}' is not supported",
                $"choose a model whose model_type is {string.Join(" or ", ModelFamilies.All.SelectMany(known => known.ModelTypes))}");
        if (json["architectures"] is JsonArray { Count: > 0 } architectures && architectures.All(name => name?.ToString() != family.Architecture))
            throw new BadInputException($"{path}: architectures", $"{architectures.ToJsonString()} is not {family.Architecture}", "choose a causal language model");
        return family.Read(new ConfigFile(path, json));
    }

    /// <summary>
    /// The text of a <c>config.json</c>; keys of <paramref name="source"/> (the file of the model that was trained) that this build does not know are kept.
    /// </summary>
    /// <param name="doubleQuant">Where the linears are in NF4: with scales in 8 bits or not. Null: they are not.</param>
    public static string Write(ModelConfig config, string dataType, string? source, bool? doubleQuant = null)
    {
        var json = source is not null && File.Exists(source) ? (JsonObject)JsonNode.Parse(File.ReadAllBytes(source))! : [];
        json["architectures"] = new JsonArray(config.Family.Architecture);
        json["model_type"] = json["model_type"]?.ToString() is { } own && config.Family.ModelTypes.Contains(own) ? own : config.Family.ModelTypes[0];
        ConfigFile.WriteShape(config, json);
        json["torch_dtype"] = TypeName(dataType);
        if (json.ContainsKey("dtype")) json["dtype"] = json["torch_dtype"]!.DeepClone();
        config.Family.Write(config, json);
        if (doubleQuant is { } isDouble) json[QuantizationKeys.Name] = QuantizationKeys.Write(isDouble, TypeName(dataType));
        else json.Remove(QuantizationKeys.Name);
        WriteVersion(json);
        return json.ToJsonString(Indented) + "\n";
    }

    /// <summary>The name that transformers has for an element type.</summary>
    public static string TypeName(string dataType) => dataType switch { "F32" => "float32", "F16" => "float16", _ => "bfloat16" };

    /// <summary>The directory's <c>config.json</c>, which is a sound one, says that weights are quantised.</summary>
    public static bool IsQuantized(string directory) =>
        Path.Combine(directory, FileName) is var path && File.Exists(path) && JsonFile.ReadObject(path)[QuantizationKeys.Name] is not null;

    /// <summary>The text of a <c>generation_config.json</c>; sampling keys of <paramref name="source"/> are kept.</summary>
    public static string WriteGeneration(ModelConfig config, string? source)
    {
        var json = source is not null && File.Exists(source) ? (JsonObject)JsonNode.Parse(File.ReadAllBytes(source))! : [];
        json.TryAdd("_from_model_config", true);
        json["bos_token_id"] = config.BeginningId;
        ConfigFile.WriteEnd(config, json);
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
}
