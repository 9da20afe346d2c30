using System.Text.Json.Nodes;
using Tulu2.Files;

namespace Tulu2.Models.Families;

/// <summary>
/// <c>quantization_config</c> of a <c>config.json</c>: weights in bitsandbytes' NF4 are read (docs/quantization.md), every other form is refused by its name.
/// </summary>
internal static class QuantizationKeys
{
    public const string Name = "quantization_config";

    private const string Fix = "take the checkpoint that these weights were made from; `tulu2 quantize` makes it a 4-bit one";

    /// <exception cref="BadInputException">Names the key and its value.</exception>
    public static void Check(string path, JsonObject json)
    {
        if (json[Name] is not { } node) return;
        if (node is not JsonObject keys) throw Fault(path, "", "is not an object", "correct config.json");
        // Before transformers 4.32 there was only the one method, and no key for it.
        if (keys["quant_method"]?.ToString() is { } method && method != "bitsandbytes")
            throw Fault(path, ".quant_method", $"'{method}' is not supported", Fix);
        if (IsTrue(keys, "load_in_8bit")) throw Fault(path, ".load_in_8bit", "weights in 8 bits are not supported", Fix);
        if (!IsTrue(keys, "load_in_4bit")) throw Fault(path, ".load_in_4bit", "is not true, and other quantized weights are not supported", Fix);
        // What bitsandbytes takes where the key is absent.
        var type = keys["bnb_4bit_quant_type"]?.ToString() ?? "fp4";
        if (type != "nf4") throw Fault(path, ".bnb_4bit_quant_type", $"'{type}' is not supported", Fix);
        if (keys["bnb_4bit_quant_storage"]?.ToString() is { } storage && storage != "uint8")
            throw Fault(path, ".bnb_4bit_quant_storage", $"codes stored as {storage} are not supported", "save the model with bnb_4bit_quant_storage uint8");
    }

    /// <summary>What transformers writes for a 4-bit model whose head is not quantised.</summary>
    /// <param name="computeType">As transformers names it: <c>bfloat16</c>.</param>
    public static JsonObject Write(bool doubleQuant, string computeType) => new()
    {
        ["bnb_4bit_compute_dtype"] = computeType,
        ["bnb_4bit_quant_storage"] = "uint8",
        ["bnb_4bit_quant_type"] = "nf4",
        ["bnb_4bit_use_double_quant"] = doubleQuant,
        ["llm_int8_enable_fp32_cpu_offload"] = false,
        ["llm_int8_has_fp16_weight"] = false,
        ["llm_int8_skip_modules"] = new JsonArray("lm_head"),
        // Kept as text: transformers refuses a whole number.
        ["llm_int8_threshold"] = JsonNode.Parse("6.0"),
        ["load_in_4bit"] = true,
        ["load_in_8bit"] = false,
        ["quant_method"] = "bitsandbytes",
    };

    private static bool IsTrue(JsonObject keys, string key) => keys[key] is JsonValue value && value.TryGetValue<bool>(out var flag) && flag;

    private static BadInputException Fault(string path, string key, string what, string fix) => new($"{path}: {Name}{key}", what, fix);
}
