using System.Text.Json;
using Tulu2.Data.Tokenizers.Bpe;

namespace Tulu2.Data.Tokenizers.Loading;

/// <summary>
/// The two ways in which <c>tokenizer.json</c> writes spaces and the word boundary: normalizers (Prepend, Replace) or the Metaspace pre-tokenizer.
/// Anything else would change ids silently, so it is refused by name.
/// </summary>
internal static class NormalizationReader
{
    private const string Mark = "\u2581";

    internal static Normalization Read(JsonElement root, VocabularyBuilder builder)
    {
        var result = new Normalization(BoundaryRule.None, ReplaceSpaces: false, SplitEachBoundary: false);
        foreach (var normalizer in Steps(root, "normalizer", "normalizers"))
            result = HuggingFaceTokenizerFile.Text(normalizer, "type") switch
            {
                "Prepend" when HuggingFaceTokenizerFile.Text(normalizer, "prepend") == Mark => result with { Boundary = BoundaryRule.Always },
                "Replace" when ReplacesSpaces(normalizer) => result with { ReplaceSpaces = true },
                var type => throw builder.Unsupported($"its normalizer {type} is not one that writes spaces as U+2581"),
            };
        foreach (var step in Steps(root, "pre_tokenizer", "pretokenizers"))
            result = HuggingFaceTokenizerFile.Text(step, "type") switch
            {
                "Metaspace" when HuggingFaceTokenizerFile.Text(step, "replacement") is null or Mark => Metaspace(step, result, builder),
                var type => throw builder.Unsupported($"its pre-tokenizer {type} is not Metaspace"),
            };
        return result;
    }

    private static Normalization Metaspace(JsonElement step, Normalization before, VocabularyBuilder builder)
    {
        var scheme = HuggingFaceTokenizerFile.Text(step, "prepend_scheme")
            ?? (step.TryGetProperty("add_prefix_space", out var old) && old.ValueKind == JsonValueKind.False ? "never" : "always");
        var boundary = scheme switch
        {
            "always" => BoundaryRule.UnlessPresent,
            "first" => BoundaryRule.FirstUnlessPresent,
            "never" => BoundaryRule.None,
            _ => throw builder.Unsupported($"its Metaspace has the prepend_scheme {scheme}"),
        };
        var split = !step.TryGetProperty("split", out var value) || value.ValueKind != JsonValueKind.False;
        return new(before.Boundary == BoundaryRule.Always ? BoundaryRule.Always : boundary, ReplaceSpaces: true, split);
    }

    private static bool ReplacesSpaces(JsonElement normalizer) =>
        HuggingFaceTokenizerFile.Text(normalizer, "content") == Mark
        && normalizer.TryGetProperty("pattern", out var pattern) && pattern.ValueKind == JsonValueKind.Object
        && HuggingFaceTokenizerFile.Text(pattern, "String") == " ";

    private static IEnumerable<JsonElement> Steps(JsonElement root, string key, string inner)
    {
        if (!root.TryGetProperty(key, out var step) || step.ValueKind != JsonValueKind.Object) return [];
        return HuggingFaceTokenizerFile.Text(step, "type") == "Sequence" && step.TryGetProperty(inner, out var steps) ? [.. steps.EnumerateArray()] : [step];
    }
}
