using System.Text.Json;
using System.Text.Json.Nodes;
using Tulu2.Files;
using Tulu2.Models.Parameters;

namespace Tulu2.Models.HuggingFace;

/// <summary><c>adapter_config.json</c> as PEFT (huggingface/peft, <c>LoraConfig</c>) writes and reads it.</summary>
/// <param name="Settings">Without targets: which projections have an adapter, the tensors tell.</param>
/// <param name="Base"><c>base_model_name_or_path</c>; null: it names none.</param>
internal sealed record AdapterConfig(AdapterSettings Settings, string? Base)
{
    public const string FileName = "adapter_config.json";
    private const string Fix = "use plain LoRA adapters, or merge these with PEFT and use the merged model";
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    // What another value of these keys would change is not computed here. Null and empty mean the same everywhere.
    private static readonly (string Key, string What)[] Refused =
    [
        ("use_dora", "weight-decomposed adapters (DoRA)"), ("rank_pattern", "other ranks for some layers"), ("alpha_pattern", "other scales for some layers"),
        ("modules_to_save", "whole layers beside the adapters"), ("lora_bias", "a bias of the adapters"), ("layer_replication", "repeated layers"),
        ("trainable_token_indices", "trained embeddings"), ("target_parameters", "adapters of bare parameters"), ("alora_invocation_tokens", "activated adapters"),
        ("use_qalora", "quantisation-aware adapters"), ("use_bdlora", "block-diagonal adapters"), ("fan_in_fan_out", "transposed weights"),
    ];

    /// <exception cref="BadInputException">Names the file and the key.</exception>
    public static AdapterConfig Read(string directory)
    {
        var path = Path.Combine(directory, FileName);
        var json = JsonFile.ReadObject(path);
        if (Text(path, json, "peft_type") is { } type && type != "LORA") throw Refuse(path, "peft_type", $"{type} are adapters of another kind");
        if (Text(path, json, "bias") is { } bias && bias != "none") throw Refuse(path, "bias", $"{bias}: the model's biases were trained too");
        foreach (var (key, what) in Refused)
            if (json[key] is { } value && !IsEmpty(value)) throw Refuse(path, key, $"{Shown(value)}: {what}");
        var rank = Number(path, json, "r") ?? throw Missing(path, "r");
        if (rank < 1 || rank != Math.Floor(rank)) throw new BadInputException($"{path}: r", $"{Shown(json["r"]!)} is no rank", Again);
        var alpha = Number(path, json, "lora_alpha") ?? throw Missing(path, "lora_alpha");
        return new AdapterConfig(
            new AdapterSettings((int)rank, alpha) { IsRankStabilized = Truth(path, json, "use_rslora"), Dropout = Number(path, json, "lora_dropout") ?? 0 },
            Text(path, json, "base_model_name_or_path"));
    }

    /// <param name="projections">Such as <c>q_proj</c>.</param>
    public string Write(IReadOnlyList<string> projections) => JsonSerializer.Serialize(new JsonObject
    {
        ["alpha_pattern"] = new JsonObject(),
        ["auto_mapping"] = null,
        ["base_model_name_or_path"] = Base,
        ["bias"] = "none",
        ["fan_in_fan_out"] = false,
        ["inference_mode"] = true,
        ["init_lora_weights"] = true,
        ["layers_pattern"] = null,
        ["layers_to_transform"] = null,
        ["lora_alpha"] = Settings.Alpha == Math.Floor(Settings.Alpha) ? JsonValue.Create((long)Settings.Alpha) : JsonValue.Create(Settings.Alpha),
        ["lora_dropout"] = Settings.Dropout,
        ["modules_to_save"] = null,
        ["peft_type"] = "LORA",
        ["r"] = Settings.Rank,
        ["rank_pattern"] = new JsonObject(),
        ["revision"] = null,
        ["target_modules"] = new JsonArray([.. projections.Select(projection => JsonValue.Create(projection))]),
        ["task_type"] = "CAUSAL_LM",
        ["use_dora"] = false,
        ["use_rslora"] = Settings.IsRankStabilized,
    }, Indented) + "\n";

    private const string Again = "copy the folder again from its source";

    private static bool IsEmpty(JsonNode value) => value switch
    {
        JsonArray list => list.Count == 0,
        JsonObject map => map.Count == 0,
        _ => value.GetValueKind() == JsonValueKind.False,
    };

    private static string? Text(string path, JsonObject json, string key) => json[key] switch
    {
        null => null,
        JsonValue value when value.GetValueKind() == JsonValueKind.String => value.GetValue<string>(),
        var other => throw new BadInputException($"{path}: {key}", $"{Shown(other)} is no text", Again),
    };

    private static double? Number(string path, JsonObject json, string key) => json[key] switch
    {
        null => null,
        JsonValue value when value.GetValueKind() == JsonValueKind.Number => value.GetValue<double>(),
        var other => throw new BadInputException($"{path}: {key}", $"{Shown(other)} is no number", Again),
    };

    private static bool Truth(string path, JsonObject json, string key) => json[key]?.GetValueKind() switch
    {
        null or JsonValueKind.False => false,
        JsonValueKind.True => true,
        _ => throw new BadInputException($"{path}: {key}", $"{Shown(json[key]!)} is neither true nor false", Again),
    };

    private static string Shown(JsonNode value) => value.ToJsonString() is { Length: <= 60 } text ? text : $"{value.ToJsonString()[..57]}...";

    private static BadInputException Missing(string path, string key) => new(path, $"has no {key}", Again);

    private static BadInputException Refuse(string path, string key, string what) => new($"{path}: {key}", $"{what}, which is not supported", Fix);
}
