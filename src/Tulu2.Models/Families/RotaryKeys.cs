using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Tulu2.Files;

namespace Tulu2.Models.Families;

/// <summary>
/// Rotary embedding keys of <c>config.json</c>: <c>rope_theta</c> and <c>rope_scaling</c>, and in files of transformers 5 <c>rope_parameters</c> in
/// place of both.
/// </summary>
internal static class RotaryKeys
{
    public const string Parameters = "rope_parameters";

    private const string Scaling = "rope_scaling", Theta = "rope_theta";
    private const double DefaultBase = 10000;

    /// <returns>The base.</returns>
    /// <exception cref="BadInputException">Scaled or partial embeddings; two bases that differ, named with both values.</exception>
    public static double Base(string path, JsonObject json)
    {
        var found = new List<(string Key, double Value)>();
        if (Number(path, Theta, json[Theta]) is { } alone) found.Add((Theta, alone));
        foreach (var key in (string[])[Scaling, Parameters])
        {
            if (json[key] is not { } node) continue;
            if (node is not JsonObject rotary) throw Refused(path, key, $"{node.ToJsonString()} is no object with keys", "correct config.json");
            foreach (var (inner, value) in rotary)
                switch (inner)
                {
                    case "rope_type" or "type" when value is null or JsonValue && value?.ToString() is null or "default": break;
                    case "rope_type" or "type":
                        throw Refused(path, key, $"{inner} '{value}': scaled rotary embeddings are not supported", "choose a model without rope_scaling");
                    case Theta:
                        if (Number(path, $"{key}.{Theta}", value) is { } held) found.Add(($"{key}.{Theta}", held));
                        break;
                    case "partial_rotary_factor" when Number(path, $"{key}.{inner}", value) is null or 1: break;
                    default:
                        if (value is not null)
                            throw Refused(path, key, $"{inner} {value.ToJsonString()}: only plain rotary embeddings are supported", "choose a model without rope_scaling");
                        break;
                }
            // Before there were types, a factor alone meant linear scaling; an object without a type is no statement that there is none.
            if (key == Scaling && rotary.Count > 0 && !rotary.ContainsKey("rope_type") && !rotary.ContainsKey("type"))
                throw Refused(path, key, "it names no rope_type", "remove the key where the embeddings are not scaled");
        }
        foreach (var other in found.Skip(1))
            if (other.Value != found[0].Value)
                throw Refused(path, found[0].Key, string.Create(CultureInfo.InvariantCulture, $"the rotary base is {found[0].Value} here, but {other.Value} in {other.Key}"),
                    "keep the one that the model was trained with");
        return found.Count > 0 ? found[0].Value : DefaultBase;
    }

    private static double? Number(string path, string key, JsonNode? node)
    {
        if (node is null) return null;
        return node.GetValueKind() == JsonValueKind.Number && node.GetValue<double>() is var value && double.IsFinite(value) && value > 0
            ? value : throw Refused(path, key, $"{node.ToJsonString()} is no number above 0", "correct config.json");
    }

    private static BadInputException Refused(string path, string key, string what, string fix) => new($"{path}: {key}", what, fix);
}
