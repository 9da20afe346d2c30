using System.Text.Json.Nodes;
using Tulu2.Data.Chat;
using Tulu2.Data.Tokenizers.Bpe;
using Tulu2.Data.Tokenizers.Learning;
using Tulu2.Data.Tokenizers.Loading;
using Tulu2.Files;

namespace Tulu2.Data.Export;

/// <summary>
/// Rewrites where a <c>tokenizer.json</c> adds the word boundary. Normalizers see each text between special tokens separately and so add one after every
/// end token too (the legacy form); Metaspace with the scheme "first" adds it at the very start only (the default form).
/// </summary>
internal static class TokenizerJsonForm
{
    /// <returns>The same bytes where the file has that form already, or adds no boundary at all.</returns>
    internal static byte[] Of(byte[] bytes, ChatForm form)
    {
        using var document = JsonFile.Parse(TokenizerLoader.JsonName, bytes);
        var before = NormalizationReader.Read(document.RootElement, new VocabularyBuilder(TokenizerLoader.JsonName));
        var isFirst = before.Boundary == BoundaryRule.FirstUnlessPresent;
        if (before.Boundary == BoundaryRule.None || !before.ReplaceSpaces || isFirst == (form == ChatForm.Default)) return bytes;

        var scheme = isFirst ? "always" : "first";
        var root = JsonObject.Create(document.RootElement)!;
        root["normalizer"] = null;
        root["pre_tokenizer"] = HuggingFaceTokenizerWriter.Metaspace(scheme, before.SplitEachBoundary);
        foreach (var decoder in Decoders(root["decoder"]))
        {
            if ((string?)decoder["type"] != "Metaspace") continue;
            decoder.Remove("add_prefix_space");
            decoder["prepend_scheme"] = scheme;
        }
        return HuggingFaceTokenizerWriter.Serialize(root);
    }

    private static IEnumerable<JsonObject> Decoders(JsonNode? decoder) =>
        decoder is not JsonObject one ? [] : one["decoders"] is JsonArray several ? several.OfType<JsonObject>() : [one];
}
